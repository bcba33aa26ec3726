"""Charts of a comparison as SVG, rendered on the server. They know plain values: no HTTP, no protobuf, no template."""
