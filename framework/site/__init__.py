"""From a folder to a checked site: routes, handlers, middleware, pages and templates."""
