"""The offline page: what Python puts into the sources of featviz/web."""
