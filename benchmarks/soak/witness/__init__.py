"""A folder for the module path of the processes of a soak: Python imports `sitecustomize` from it as it starts."""
