"""The JSON API: each endpoint is declared once, and what it parses, answers and documents follows.

Start at `endpoint.Endpoint`: a path, the models of its parameters, body and answers, and a handler
that is given them parsed. `openapi.document` makes the OpenAPI 3.1 document of the same values, so
that neither can say what the other does not do. The endpoints themselves are in `origin.routes`.
"""
