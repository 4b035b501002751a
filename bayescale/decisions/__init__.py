"""What a posterior says about a question, one question a file."""
