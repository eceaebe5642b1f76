"""The command line: a file for each verb, whose docstrings are the help, and what verbs share."""
