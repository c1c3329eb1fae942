"""A page and a REST API on one sandbox, beside the shell. Each module imports only from those below it:

    serving                        binds, says where, and ends it all
    app                            routes, and what HTTP makes of answers
    description                    OpenAPI and the rendered reference, from the registry of commands
    resources                      method + path → command + fields
    calls · windows · scenario_runs   one command; a window of keys; scenarios that run beside
    problems                       errors as RFC 9457 has them
    owner                          the one thread that owns the sandbox
    events                         what readers of the stream are told
    guard · secret                 who may
    asked                          the options of `serve`

Nothing here but `serving`, `app` and `guard` knows of starlette, and only `serving` of uvicorn.
"""
