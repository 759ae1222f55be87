import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()  # pytest-django does this by itself

pytest_plugins = ["hourlyclicks.simulator.pytest"]
