"""Middleware around every route: a request id for logs, and security headers."""

from uuid import uuid4


def on_request(context, next):
    if context.is_prerendered:  # many requests get the same built file
        response = next()
    else:
        context.locals.request_id = uuid4().hex
        response = next()
        response.headers.set("x-request-id", context.locals.request_id)
    response.headers.set("x-content-type-options", "nosniff")
    response.headers.set("referrer-policy", "same-origin")
    response.headers.set("content-security-policy", "default-src 'self'; frame-ancestors 'none'")
    return response
