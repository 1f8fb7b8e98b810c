"""The addresses of pages about phones; the other pages of people are allauth's."""

from django.urls import path, re_path

from accounts import pages

urlpatterns = [
    re_path(
        r"^accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        pages.reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("accounts/login/code/", pages.request_code, name="account_request_login_code"),
    path("accounts/phone/", pages.add_phone, name="account_change_phone"),
    path("accounts/phone/verify/", pages.prove_phone, name="account_verify_phone"),
    path("accounts/phone/remove/", pages.remove_phone, name="account_remove_phone"),
    path("accounts/question/<str:question>.png", pages.question_picture, name="question-picture"),
    path("accounts/question/<str:question>.wav", pages.question_sound, name="question-sound"),
]
