// Looks up tables of a posterior: quantiles of loss over compute and D/N, and of the best size over compute.
"use strict";

function decoded(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Uint16Array(bytes.buffer);
}

// The four cubic B-splines that are not zero a share t of the way between knots.
function bSplines(t) {
  const s = 1 - t;
  return [s ** 3, 3 * t ** 3 - 6 * t ** 2 + 4, 3 * s ** 3 - 6 * s ** 2 + 4, t ** 3].map((value) => value / 6);
}

// The first of the four coefficients at a place on an axis [least, step, knots], and their weights.
function placed([least, step, knots], value) {
  const index = Math.min(Math.max((value - least) / step, 0), knots - 1);
  const knot = Math.min(Math.floor(index), knots - 2);
  return [knot, bSplines(index - knot)];
}

function isOn([least, step, knots], value) {
  return value >= least - 1e-9 && value <= least + step * (knots - 1) + 1e-9;
}

// Quantiles of the loss of a run of N parameters on D tokens.
function losses(table, n, d) {
  const [row, byCompute] = placed(table.compute, Math.log10(6 * n * d));
  const [column, byRatio] = placed(table.ratio, Math.log10(d / n));
  const width = table.ratio[2] + 2, size = (table.compute[2] + 2) * width;
  const quantiles = [];
  for (let begin = 0; begin < table.words.length; begin += size) {
    let total = 0;
    for (let i = 0; i < 4; i++) {
      for (let j = 0; j < 4; j++) {
        total += byCompute[i] * byRatio[j] * table.words[begin + (row + i) * width + column + j];
      }
    }
    quantiles.push(Math.exp(table.least + table.step * total));
  }
  return quantiles;
}

function isTabulated(table, n, d) {
  return isOn(table.compute, Math.log10(6 * n * d)) && isOn(table.ratio, Math.log10(d / n));
}

// Quantiles of the best size of a budget that nothing else bounds.
function bestSizes(table, compute) {
  const [knot, weights] = placed(table.compute, Math.log10(compute));
  return table.coefficients.map((line) => 10 ** weights.reduce((sum, weight, i) => sum + weight * line[knot + i], 0));
}

// The size whose median loss is least, where C = 6ND + 2NI is spent on training and serving and D is at most so much:
// the best of many sizes, then a golden section about it. Nothing where no size is in the table.
function leastMedianLoss(table, middle, compute, mostTokens, served) {
  const tokens = (logN) => Math.min(mostTokens, (compute / 10 ** logN - 2 * served) / 6);
  const lossAt = (logN) => {
    const n = 10 ** logN, d = tokens(logN);
    return d > 0 && isTabulated(table, n, d) ? losses(table, n, d)[middle] : Infinity;
  };
  const step = 0.05;
  let best = 0, least = Infinity;
  for (let logN = 3; logN < Math.log10(compute); logN += step) {
    const value = lossAt(logN);
    if (value < least) { best = logN; least = value; }
  }
  if (least === Infinity) return null;
  const golden = (Math.sqrt(5) - 1) / 2;
  let low = best - step, high = best + step;
  for (let count = 0; count < 40; count++) {
    const left = high - golden * (high - low), right = low + golden * (high - low);
    if (lossAt(left) < lossAt(right)) high = right; else low = left;
  }
  const logN = (low + high) / 2;
  return lossAt(logN) <= least ? [10 ** logN, tokens(logN)] : [10 ** best, tokens(best)];
}
