"""The configuration: what is wrong is named, what is secret is not shown."""

from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path

import pytest

from shared.runtime.config import FIELDS, Config, ConfigError, read_config
from tests.management import KEYS, jwks_of
from tests.support import MASTER_KEY, PEPPER

_CANARY = "c4n4ry-of-a-value"
_GOOD = {
    "DATABASE_URL": f"postgresql://owner:{_CANARY}@127.0.0.1:5432/auth",
    "MASTER_KEY": MASTER_KEY,
    "SECRET_PEPPER": PEPPER,
    "PUBLIC_URL": "https://id.example",
    "CONSOLE_URL": "https://console.example",
    "OPERATOR_KEYS": jwks_of({"one": KEYS["operator-ec"], "two": KEYS["operator-ed"]}),
    "BIND_ADDRESS": "127.0.0.1:9000",
    "CONSOLE_BIND_ADDRESS": "127.0.0.1:9001",
    "SUPPORT_URL": "https://support.example",
    "SUPPORT_BIND_ADDRESS": "127.0.0.1:9002",
    "SMTP_URL": "smtps://user:mail-password@mail.example:465",
    "MAIL_FROM": "Acme <auth@acme.example>",
    "SUPPORT_EMAIL": "help@acme.example",
    "STRIPE_API_KEY": "sk_test_stripekey",
    "STRIPE_WEBHOOK_SECRET": "whsec_one, whsec_two",
    "STRIPE_API_BASE": "http://127.0.0.1:12111",
    "WORKERS": "3",
    "DRAIN_DELAY": "7",
    "TOKEN_TTL": "600",
    "ALLOWED_HOSTS": "Auth.internal, [::1]",
    "LEDGER_DAYS": "30",
    "SPOOL_DIR": "/srv/spool",
    "SPOOL_LIMIT": "1048576",
    "LOG_LEVEL": "warning",
    "TRUSTED_PROXIES": "10.2.0.0/16",
    "REDIS_URL": "redis://:redis-password@redis.example:6379/0",
    "OUTBOUND_NETWORKS": "10.1.0.0/16, fd00::/8",
}
_REQUIRED = [name for name, (_, _, required) in FIELDS.items() if required]

Write = Callable[[str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(contents: str | bytes) -> Path:
        path = tmp_path / "value"
        path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
        return path

    return write_file


def refusal_of(changes: dict[str, str]) -> str:
    with pytest.raises(ConfigError) as refused:
        read_config(_GOOD | changes)
    return str(refused.value)


def test_every_variable_is_read() -> None:
    config = read_config(_GOOD)
    assert config.bind_address == ("127.0.0.1", 9000)
    assert (config.workers, config.token_ttl, config.log_level) == (3, 600, "WARNING")
    assert config.outbound_networks == (ip_network("10.1.0.0/16"), ip_network("fd00::/8"))
    assert (config.ledger_days, config.spool_limit) == (30, 2**20)
    assert config.spool_dir == Path("/srv/spool")
    assert config.console_url == "https://console.example"
    assert [each.kid for each in config.operator_keys] == ["one", "two"]
    assert config.trusted_proxies == (ip_network("10.2.0.0/16"),)
    assert config.own_hosts == {"id.example", "auth.internal", "[::1]"}
    assert config.drain_delay == 7
    assert config.console_bind_address == ("127.0.0.1", 9001)
    assert config.support_url == "https://support.example"
    assert config.support_bind_address == ("127.0.0.1", 9002)
    assert (config.smtp_url, config.mail_from) == (_GOOD["SMTP_URL"], _GOOD["MAIL_FROM"])
    assert config.stripe_api_key == "sk_test_stripekey"
    assert config.stripe_webhook_secrets == ("whsec_one", "whsec_two")
    assert config.stripe_api_base == "http://127.0.0.1:12111"
    assert _GOOD.keys() == FIELDS.keys()


def test_what_is_optional_may_be_left_out() -> None:
    config = read_config({name: _GOOD[name] for name in _REQUIRED})
    assert config.bind_address == ("0.0.0.0", 8080)  # noqa: S104 - the documented default
    assert (config.workers, config.token_ttl) == (1, 3600)
    assert config.redis_url is None
    assert (config.console_url, config.operator_keys) == (config.public_url, ())
    assert config.support_url == config.console_url


@pytest.mark.parametrize("name", _REQUIRED)
@pytest.mark.parametrize("value", [pytest.param(None, id="absent"), pytest.param("", id="empty")])
def test_a_missing_variable_is_named(name: str, value: str | None) -> None:
    environment = {each: given for each, given in _GOOD.items() if each != name}
    if value is not None:
        environment[name] = value
    with pytest.raises(ConfigError, match=f"{name} is missing"):
        read_config(environment)


def test_one_start_names_all_that_is_wrong() -> None:
    with pytest.raises(ConfigError) as refused:
        read_config({"WORKERS": "none"})
    assert all(name in str(refused.value) for name in (*_REQUIRED, "WORKERS"))


_SHORT_KEY = f"{_CANARY}AAAA"
_WRONG = [
    pytest.param("DATABASE_URL", f"mysql://u:{_CANARY}@h/d", id="database-of-another-kind"),
    pytest.param("DATABASE_URL", f"{_CANARY}", id="database-no-url"),
    pytest.param("DATABASE_URL", f"postgresql://u:{_CANARY}@[::1/d", id="database-open-bracket"),
    pytest.param("DATABASE_URL", f"postgresql://u:{_CANARY}\u2100@h/d", id="database-nfkc"),
    pytest.param("REDIS_URL", f"https://u:{_CANARY}@h", id="redis-of-another-kind"),
    pytest.param("REDIS_URL", f"redis://u:{_CANARY}@h:70000", id="redis-port-too-high"),
    pytest.param("MASTER_KEY", _SHORT_KEY, id="key-short"),
    pytest.param("MASTER_KEY", f"{MASTER_KEY}A{_CANARY}", id="key-long"),
    pytest.param("MASTER_KEY", f"{MASTER_KEY},{_SHORT_KEY}", id="key-second-wrong"),
    pytest.param("MASTER_KEY", f"{MASTER_KEY},", id="key-second-empty"),
    pytest.param("MASTER_KEY", f"{_CANARY}-ключ", id="key-not-ascii"),
    pytest.param("MASTER_KEY", f"{_CANARY}=A=", id="key-broken-padding"),
    pytest.param("SECRET_PEPPER", _SHORT_KEY, id="pepper-short"),
    pytest.param("PUBLIC_URL", f"ftp://{_CANARY}.example", id="url-scheme"),
    pytest.param("PUBLIC_URL", f"https://id.example/{_CANARY}", id="url-path"),
    pytest.param("PUBLIC_URL", "https://id.example/", id="url-slash"),
    pytest.param("PUBLIC_URL", "https://id.example?", id="url-empty-query"),
    pytest.param("PUBLIC_URL", "https://id.example#", id="url-empty-fragment"),
    pytest.param("PUBLIC_URL", f"https://u:{_CANARY}@id.example", id="url-user"),
    pytest.param("PUBLIC_URL", f"https://:{_CANARY}@id.example", id="url-password-only"),
    pytest.param("PUBLIC_URL", "https://id.example:port", id="url-port-no-number"),
    pytest.param("PUBLIC_URL", "https://id.example:70000", id="url-port-too-high"),
    pytest.param("PUBLIC_URL", "https://id example", id="url-space"),
    pytest.param("PUBLIC_URL", "https://", id="url-no-host"),
    pytest.param("CONSOLE_URL", f"https://console.example/{_CANARY}", id="console-path"),
    pytest.param("OPERATOR_KEYS", f'{{"keys":["{_CANARY}"]}}', id="operators-no-key-set"),
    pytest.param("BIND_ADDRESS", _CANARY, id="address-no-port"),
    pytest.param("BIND_ADDRESS", f"{_CANARY}:70000", id="address-port-too-high"),
    pytest.param("BIND_ADDRESS", ":8080", id="address-no-host"),
    pytest.param("WORKERS", "0", id="workers-none"),
    pytest.param("WORKERS", "-1", id="workers-negative"),
    pytest.param("WORKERS", "257", id="workers-too-many"),
    pytest.param("WORKERS", "\u0663", id="workers-arabic-digit"),
    pytest.param("WORKERS", _CANARY, id="workers-no-number"),
    pytest.param("CONSOLE_BIND_ADDRESS", "here", id="console-no-port"),
    pytest.param("SMTP_URL", "http://mail.example", id="smtp-http"),
    pytest.param("SMTP_URL", f"smtp://u:{_CANARY}@", id="smtp-no-host"),
    pytest.param("MAIL_FROM", "nobody", id="mail-from-nobody"),
    pytest.param("DRAIN_DELAY", "61", id="drain-too-long"),
    pytest.param("DRAIN_DELAY", "-1", id="drain-negative"),
    pytest.param("TOKEN_TTL", "59", id="ttl-too-short"),
    pytest.param("TOKEN_TTL", "86401", id="ttl-too-long"),
    pytest.param("TOKEN_TTL", "1h", id="ttl-unit"),
    pytest.param("LEDGER_DAYS", "0", id="days-none"),
    pytest.param("SPOOL_DIR", _CANARY, id="spool-relative"),
    pytest.param("SPOOL_LIMIT", "1", id="spool-too-small"),
    pytest.param("LOG_LEVEL", _CANARY, id="level-unknown"),
    pytest.param("OUTBOUND_NETWORKS", _CANARY, id="networks-no-network"),
    pytest.param("OUTBOUND_NETWORKS", "10.1.0.1/16", id="networks-with-a-host-in-it"),
    pytest.param("OUTBOUND_NETWORKS", "10.1.0.0/16,", id="networks-second-empty"),
]


@pytest.mark.parametrize(("name", "value"), _WRONG)
def test_a_wrong_value_is_refused_by_name_and_not_repeated(name: str, value: str) -> None:
    message = refusal_of({name: value})
    assert name in message
    assert _CANARY not in message
    assert MASTER_KEY not in message


@pytest.mark.parametrize("name", FIELDS)
def test_a_value_may_stand_in_a_file_with_a_line_end(name: str, write: Write) -> None:
    environment = dict(_GOOD)
    path = write(f"{environment.pop(name)}\n")
    assert read_config(environment | {f"{name}_FILE": str(path)}) == read_config(_GOOD)


@pytest.mark.parametrize("name", FIELDS)
def test_a_value_and_a_file_at_once_are_refused(name: str, write: Write) -> None:
    message = refusal_of({f"{name}_FILE": str(write(_GOOD[name]))})
    assert f"{name} or {name}_FILE" in message
    assert _CANARY not in message


@pytest.mark.parametrize("name", _REQUIRED)
def test_a_file_that_is_not_there_is_named_with_its_variable(name: str, tmp_path: Path) -> None:
    environment = {each: given for each, given in _GOOD.items() if each != name}
    with pytest.raises(ConfigError) as refused:
        read_config(environment | {f"{name}_FILE": str(tmp_path / "absent")})
    assert name in str(refused.value)
    assert "absent" in str(refused.value)


@pytest.mark.parametrize(
    "contents",
    [
        pytest.param(b"\xff\xfe" + _CANARY.encode(), id="not-text"),
        pytest.param(b"", id="empty"),
        pytest.param(_SHORT_KEY.encode(), id="wrong"),
    ],
)
def test_a_file_of_something_else_is_refused_without_its_contents(
    contents: bytes, write: Write
) -> None:
    environment = {name: value for name, value in _GOOD.items() if name != "MASTER_KEY"}
    with pytest.raises(ConfigError) as refused:
        read_config(environment | {"MASTER_KEY_FILE": str(write(contents))})
    assert "MASTER_KEY" in str(refused.value)
    assert _CANARY not in str(refused.value)


def test_several_keys_are_read_in_their_order() -> None:
    config = read_config(_GOOD | {"MASTER_KEY": f"{PEPPER}, {MASTER_KEY}"})
    first, second = config.master_keys
    assert (first, second) == (config.secret_peppers[0], read_config(_GOOD).master_keys[0])


def test_padding_of_a_key_changes_nothing() -> None:
    assert read_config(_GOOD | {"MASTER_KEY": f"{MASTER_KEY}="}) == read_config(_GOOD)


def test_the_configuration_shows_no_secret_when_it_is_printed() -> None:
    config = read_config(_GOOD)
    shown = f"{config!r} {config} {config.master_keys!r} {config.secret_peppers}"
    for secret in (_CANARY, MASTER_KEY, PEPPER, "master-master", "pepper-pepper"):
        assert secret not in shown


def test_the_configuration_cannot_be_changed() -> None:
    config: Config = read_config(_GOOD)
    with pytest.raises(AttributeError):
        config.workers = 9  # type: ignore[misc]
