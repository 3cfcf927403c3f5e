"""Drawing at the edge: panels in; figures, pictures and text out."""
