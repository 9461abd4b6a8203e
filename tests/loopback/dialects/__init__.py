"""The providers' ways to write questions and answers, one module each."""
