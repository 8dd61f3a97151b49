"""The model's input (pictures, rows, features and tokens), and the prediction loop."""
