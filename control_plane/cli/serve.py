"""`auth-service serve …`: production processes."""

from control_plane.cli.lazy import LazyGroup

serve = LazyGroup(
    "serve",
    help="Run a production process.",
    modules={
        "data": ("serve_data", "serve_data", "Serve the issuers' endpoints."),
        "control": ("serve_control", "serve_control", "Serve the console."),
        "support": ("serve_support", "serve_support", "Serve our staff's app."),
        "jobs": ("serve_jobs", "serve_jobs", "Send mail and do the other background work."),
    },
)
