"""Side-by-side measurements of the engines: `python -m bench --help`. Not installed with the program."""
