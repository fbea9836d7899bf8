"""A provider of OpenID Connect for the tests: Canaille, in this process, with accounts in memory."""

import secrets
import threading

import canaille
from canaille.app import models
from canaille.backends import Backend
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

PASSWORD = "correct horse battery staple"


def new_key():
    return RSAKey.generate_key(2048, auto_kid=True).as_dict(private=True)


class Provider:
    """A provider at which accounts are created and to which services are registered."""

    def __init__(self, port):
        config = {
            "SECRET_KEY": secrets.token_hex(),
            "SERVER_NAME": f"127.0.0.1:{port}",
            "PREFERRED_URL_SCHEME": "http",
            "TESTING": True,
            "CANAILLE": {"DATABASE": "memory", "JAVASCRIPT": False, "LOGGING": {"version": 1}},
            "CANAILLE_OIDC": {"ACTIVE_JWKS": [new_key()]},
        }
        self.issuer = f"http://127.0.0.1:{port}"
        self.app = canaille.create_app(config=config, env_file=None)
        # The name of the person is in the claims as the tests put it into the account.
        self.app.config["CANAILLE_OIDC"]["USERINFO_MAPPING"].update(
            PREFERRED_USERNAME="{{ (user.display_name or '')|safe }}",
            EMAIL="{{ user.emails[0] if user.emails else '' }}",
            EMAIL_VERIFIED="{{ user.organization or '' }}",
        )
        self.server = make_server("127.0.0.1", port, self.app, threaded=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def register(self, client_id, secret, redirect_uri, audience=None):
        """Registers a service, which people need not allow to know who they are. Its tokens are issued for itself, or for
        another client that is registered."""
        with self.app.app_context():
            client = models.Client(
                client_id=client_id,
                client_secret=secret,
                client_name="Domesday",
                client_uri=self.issuer,
                redirect_uris=[redirect_uri],
                grant_types=["authorization_code"],
                response_types=["code"],
                token_endpoint_auth_method="client_secret_basic",
                scope=["openid", "profile", "email"],
            )
            Backend.instance.save(client)
            client.audience = [Backend.instance.get(models.Client, client_id=audience or client_id)]
            Backend.instance.save(client)

    def add_account(self, login, username=None, email=None, is_verified=False):
        with self.app.app_context():
            user = models.User(
                user_name=login,
                password=PASSWORD,
                formatted_name=login,
                family_name=login,
                display_name=username,
                emails=[email] if email else [],
                organization="true" if is_verified else None,
            )
            Backend.instance.save(user)

    def rotate_keys(self):
        """Signs with another key from now on; nothing that was signed with the key before is valid."""
        self.app.config["CANAILLE_OIDC"]["ACTIVE_JWKS"] = [new_key()]

    def forget_codes(self):
        """Deletes codes that were not exchanged: in memory Canaille finds any code of a client, not the one that is sent."""
        with self.app.app_context():
            for code in Backend.instance.query(models.AuthorizationCode):
                Backend.instance.delete(code)

    def stop(self):
        self.server.shutdown()
