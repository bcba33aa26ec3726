"""The REST interface as data: the OpenAPI 3.1 document, and the pages made from it."""
