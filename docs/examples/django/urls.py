from django.urls import path

from views import by_day

urlpatterns = [path("<str:link_id>/<str:first>/<str:last>/", by_day)]
