"""The JSON bodies of responses. Their types generate the schemas of the OpenAPI document."""
