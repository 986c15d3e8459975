"""Settings for every test: threads, and reproducible hypothesis."""

import os

# As many threads as this process has cores, before anything imports torch; notebooks' kernels and
# command lines started by a test inherit it. A number set outside stands.
if hasattr(os, "sched_getaffinity"):
    os.environ.setdefault("OMP_NUM_THREADS", str(len(os.sched_getaffinity(0))))

from hypothesis import settings  # noqa: E402

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")
