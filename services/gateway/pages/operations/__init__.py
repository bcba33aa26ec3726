"""The operators' console, below /ops. `frame` is what its pages share; each page has a folder of its own."""
