import os

SECRET_KEY = os.environ.get("SECRET_KEY", "only for development")
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "urls"
USE_TZ = True

CLICKS_URL = os.environ.get("CLICKS_URL", "https://vivoldi.com")
CLICKS_STORE = os.environ.get("CLICKS_STORE", "clicks.db")
CLICKS_DOMAIN = "https://vvd.bz"
