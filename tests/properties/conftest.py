"""How long properties are looked for: a short while by default, long with ``--hypothesis-profile=long``. Without hypothesis, an
optional package, nothing here is collected."""

try:
    import hypothesis
except ImportError:
    collect_ignore_glob = ["test_*.py"]
else:
    hypothesis.settings.register_profile("short", max_examples=80, deadline=None, derandomize=True, print_blob=True)
    hypothesis.settings.register_profile("long", max_examples=20_000, deadline=None, print_blob=True)
    hypothesis.settings.load_profile("short")
