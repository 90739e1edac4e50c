"""A product: parameters read from its YAML file, with every mistake named by file and line."""
