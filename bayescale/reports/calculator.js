// Splits a budget between parameters and tokens at each draw of the posterior. `loss` is written above this by Python.
"use strict";

function decoded(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Float64Array(bytes.buffer);
}

// The best log N: loss along a budget falls and then rises, so a golden section finds where it turns.
function bestSize(lossAt, low, high) {
  const golden = (Math.sqrt(5) - 1) / 2;
  let left = high - golden * (high - low), right = low + golden * (high - low);
  let atLeft = lossAt(left), atRight = lossAt(right);
  for (let step = 0; step < 60; step++) {
    if (atLeft < atRight) {
      high = right; right = left; atRight = atLeft;
      left = high - golden * (high - low); atLeft = lossAt(left);
    } else {
      low = left; left = right; atLeft = atRight;
      right = low + golden * (high - low); atRight = lossAt(right);
    }
  }
  return (low + high) / 2;
}

// Quantiles by linear interpolation, as NumPy takes them.
function quantiles(values, shares) {
  const sorted = Float64Array.from(values).sort();
  return shares.map((share) => {
    const place = share * (sorted.length - 1), below = Math.floor(place);
    return sorted[below] + (place - below) * (sorted[Math.min(below + 1, sorted.length - 1)] - sorted[below]);
  });
}

// compute: FLOPs of training and serving; mostTokens: of training; served: tokens. C = 6ND + 2NI.
function plans(constants, compute, mostTokens, served) {
  const columns = Object.values(constants), n = columns[0].length;
  const optima = {n_params: new Float64Array(n), n_tokens: new Float64Array(n), tokens_per_param: new Float64Array(n),
    loss: new Float64Array(n)};
  const tokens = (logN) => Math.min(mostTokens, (compute / Math.exp(logN) - 2 * served) / 6);
  // At the upper end a budget leaves one token to train on.
  const low = Math.log(1e3), high = Math.log(compute / (6 + 2 * served));
  for (let draw = 0; draw < n; draw++) {
    const constantsOfDraw = columns.map((column) => column[draw]);
    const lossAt = (logN) => loss(...constantsOfDraw, Math.exp(logN), tokens(logN));
    const logN = bestSize(lossAt, low, high);
    optima.n_params[draw] = Math.exp(logN);
    optima.n_tokens[draw] = tokens(logN);
    optima.tokens_per_param[draw] = tokens(logN) / Math.exp(logN);
    optima.loss[draw] = lossAt(logN);
  }
  return Object.fromEntries(Object.entries(optima).map(([name, values]) => [name, quantiles(values, [0.05, 0.5, 0.95])]));
}
