"""RegisterInstance, ModifyInstance, DeregisterInstance and ListInstances: signed requests, hostile addresses."""

import json
import logging
from typing import Any

import httpx
import pytest

from housecall.engines.engine import Target
from housecall.errors import RequestError
from housecall.instances.reachable import check_address

PASSWORD = "pl4nted-s3cret"


def send(live: Any, action: str, **parameters: Any) -> httpx.Response:
    plain = {name: json.dumps(each) if isinstance(each, dict) else str(each) for name, each in parameters.items()}
    return live.send(action, f"/?{httpx.QueryParams(plain)}")


def registered(live: Any, instance_id: str, **more: Any) -> dict[str, Any]:
    parameters = {
        "Engine": "PostgreSQL", "Host": "db.example.com", "User": "reader", "Password": PASSWORD, "Database": "shop",
        "Test": "false",
    } | more  # fmt: skip
    answer = send(live, "RegisterInstance", InstanceId=instance_id, **parameters)
    assert answer.status_code == 200, answer.text
    assert PASSWORD not in answer.text
    return answer.json()["Instance"]


def code_of(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()["Code"])


def target_of(live: Any, instance_id: str) -> Target:
    return live.run(live.app.instances.get_instance(live.app.root.account_id, instance_id)).target


class TestRegistering:
    def test_parts_make_an_instance_whose_password_is_kept_and_not_told(self, whole) -> None:
        told = registered(whole, "parts-1", RegionId="eu-1", Description="the shop", Labels={"team": "shop"})
        assert told == {
            "InstanceId": "parts-1", "Engine": "PostgreSQL", "Host": "db.example.com", "Port": 5432, "User": "reader",
            "Database": "shop", "RegionId": "eu-1", "Description": "the shop", "Labels": {"team": "shop"},
        }  # fmt: skip
        assert target_of(whole, "parts-1").password.get_secret_value() == PASSWORD

    def test_a_dsn_makes_the_same(self, whole) -> None:
        dsn = f"postgresql://reader:{PASSWORD}@db.example.com:6432/shop?sslmode=require"
        answer = send(whole, "RegisterInstance", InstanceId="dsn-1", Dsn=dsn, Test="False")
        assert answer.json()["Instance"]["Port"] == 6432
        assert PASSWORD not in answer.text

    def test_no_part_reaches_into_another(self, whole) -> None:
        odd = "p@ss/w:ord?sslmode=disable#%"
        registered(whole, "odd-1", Password=odd, User="a:b@c", Database="x?y")
        target = target_of(whole, "odd-1")
        assert (target.host, target.user, target.database) == ("db.example.com", "a:b@c", "x?y")
        assert target.password.get_secret_value() == odd
        assert not target.options

    def test_a_taken_id_is_told_and_changes_nothing(self, whole) -> None:
        registered(whole, "twice-1")
        answer = send(
            whole, "RegisterInstance", InstanceId="twice-1", Engine="PostgreSQL", Host="other.example.com", Test="false"
        )
        assert code_of(answer, 409) == "InstanceAlreadyExists"
        assert target_of(whole, "twice-1").host == "db.example.com"

    def test_a_server_that_does_not_answer_is_unreachable_and_not_registered(self, whole) -> None:
        answer = send(
            whole, "RegisterInstance", InstanceId="nobody-1", Engine="PostgreSQL", Host="127.0.0.1", Port="1",
            Password=PASSWORD,
        )  # fmt: skip
        assert code_of(answer, 502) == "InstanceUnreachable"
        assert PASSWORD not in answer.text
        assert code_of(send(whole, "DeregisterInstance", InstanceId="nobody-1"), 404) == "InstanceNotFound"

    @pytest.mark.parametrize(
        ("parameters", "code"),
        [
            ({}, "MissingEngine"),
            ({"Engine": "MySQL"}, "MissingHost"),
            ({"Engine": "Oracle", "Host": "h"}, "InvalidParameter"),
            ({"Engine": "PostgreSQL", "Host": "h", "Port": "65536"}, "InvalidParameter"),
            ({"Dsn": "postgresql://h/x", "Host": "h"}, "InvalidParameter"),
            ({"Dsn": "oracle://h/x"}, "InvalidParameter"),
            ({"Engine": "PostgreSQL", "Host": "h", "SslMode": "maybe"}, "InvalidParameter"),
            ({"Engine": "PostgreSQL", "Host": "h", "Labels": "[]"}, "InvalidParameter"),
        ],
    )
    def test_what_cannot_be_read_is_named(self, whole, parameters, code) -> None:
        assert code_of(send(whole, "RegisterInstance", InstanceId="bad-1", Test="false", **parameters), 400) == code

    def test_a_dsn_that_cannot_be_read_is_not_repeated(self, whole) -> None:
        answer = send(whole, "RegisterInstance", InstanceId="bad-2", Dsn=f"postgresql://u:{PASSWORD}@h:x:y/db?no=1")
        assert answer.status_code == 400
        assert PASSWORD not in answer.text

    def test_the_password_is_in_no_log_line(self, whole, caplog) -> None:
        with caplog.at_level(logging.DEBUG):
            registered(whole, "quiet-1")
        assert PASSWORD not in caplog.text


HOSTILE = [
    "169.254.169.254", "169.254.0.1", "[fe80::1]", "fe80::1%eth0", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376",
    "100.100.100.200", "metadata.google.internal", "::ffff:169.254.169.254", "fd00:ec2::254",
    "good.example.com,169.254.169.254", "/var/run/postgresql", "@abstract",
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize("host", HOSTILE)
async def test_addresses_that_only_this_machine_should_reach_are_refused(host) -> None:
    with pytest.raises(RequestError, match="refused"):
        await check_address(Target("postgresql", host, 5432, "u", "d"), allow_link_local=False)


@pytest.mark.anyio
async def test_a_second_address_in_the_options_is_looked_at_too() -> None:
    target = Target("postgresql", "127.0.0.1", 5432, "u", "d", options={"hostaddr": "169.254.169.254"})
    with pytest.raises(RequestError, match="link-local"):
        await check_address(target, allow_link_local=False)


@pytest.mark.anyio
@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.7", "192.168.1.5", "::1", "no-such-host.invalid"])
async def test_private_addresses_are_where_databases_live(host) -> None:
    await check_address(Target("postgresql", host, 5432, "u", "d"), allow_link_local=False)


@pytest.mark.anyio
async def test_a_setting_allows_link_local_addresses() -> None:
    await check_address(Target("postgresql", "169.254.1.1", 5432, "u", "d"), allow_link_local=True)


class TestHostileRegistration:
    @pytest.mark.parametrize("host", ["169.254.169.254", "/tmp", "0xa9fea9fe"])
    def test_is_an_invalid_parameter(self, whole, host) -> None:
        answer = send(whole, "RegisterInstance", InstanceId="ssrf-1", Engine="PostgreSQL", Host=host, Test="false")
        assert code_of(answer, 400) == "InvalidParameter"

    def test_a_socket_in_a_dsn_is_refused(self, whole) -> None:
        answer = send(whole, "RegisterInstance", InstanceId="ssrf-2", Dsn="postgresql:///x?host=/tmp", Test="false")
        assert code_of(answer, 400) == "InvalidParameter"


class TestModifying:
    def test_what_is_left_out_stays(self, whole) -> None:
        registered(whole, "keep-1", Description="before", Labels={"a": "b"})
        told = send(whole, "ModifyInstance", InstanceId="keep-1", Description="after").json()["Instance"]
        assert (told["Description"], told["Host"], told["Labels"]) == ("after", "db.example.com", {"a": "b"})
        assert target_of(whole, "keep-1").password.get_secret_value() == PASSWORD

    def test_a_new_password_is_kept(self, whole) -> None:
        registered(whole, "turn-1")
        answer = send(whole, "ModifyInstance", InstanceId="turn-1", Password="another", Test="false")
        assert "another" not in answer.text
        assert target_of(whole, "turn-1").password.get_secret_value() == "another"

    @pytest.mark.parametrize("change", [{"Host": "evil.example.com"}, {"Port": "6000"}])
    def test_the_password_does_not_go_to_another_address(self, whole, change) -> None:
        name = f"lure-{'h' if 'Host' in change else 'p'}"
        registered(whole, name)
        answer = send(whole, "ModifyInstance", InstanceId=name, Test="false", **change)
        assert code_of(answer, 400) == "InvalidParameter"
        assert target_of(whole, name).host == "db.example.com"

    def test_a_new_address_must_answer_unless_told_otherwise(self, whole) -> None:
        registered(whole, "move-1")
        move = {"InstanceId": "move-1", "Host": "127.0.0.1", "Port": "1", "Password": "x"}
        assert code_of(send(whole, "ModifyInstance", **move), 502) == "InstanceUnreachable"
        assert target_of(whole, "move-1").host == "db.example.com"
        assert send(whole, "ModifyInstance", **move, Test="false").status_code == 200
        assert target_of(whole, "move-1").host == "127.0.0.1"

    def test_an_engine_is_not_changed(self, whole) -> None:
        registered(whole, "engine-1")
        answer = send(whole, "ModifyInstance", InstanceId="engine-1", Engine="MySQL", Test="false")
        assert code_of(answer, 400) == "InvalidParameter"

    def test_an_unknown_instance_is_not_found(self, whole) -> None:
        assert code_of(send(whole, "ModifyInstance", InstanceId="nope-1", Description="x"), 404) == "InstanceNotFound"


class TestListing:
    def test_pages_by_the_last_id_and_skips_nothing_when_one_is_added_before(self, whole) -> None:
        for name in ("zz-1", "zz-2", "zz-3"):
            registered(whole, name, RegionId="listing")
        first = send(whole, "ListInstances", RegionId="listing", Limit="2").json()
        assert [each["InstanceId"] for each in first["Data"]] == ["zz-1", "zz-2"]
        assert (first["HasMore"], first["Limit"], first["TotalCount"]) == (True, 2, 3)
        registered(whole, "aa-1", RegionId="listing")
        second = send(whole, "ListInstances", RegionId="listing", Limit="2", LastId="zz-2").json()
        assert [each["InstanceId"] for each in second["Data"]] == ["zz-3"]
        assert second["HasMore"] is False

    def test_tells_no_credentials(self, whole) -> None:
        registered(whole, "secret-1")
        assert PASSWORD not in send(whole, "ListInstances").text

    @pytest.mark.parametrize("limit", ["0", "101", "x"])
    def test_limits_have_bounds(self, whole, limit) -> None:
        assert code_of(send(whole, "ListInstances", Limit=limit), 400) == "InvalidParameter"

    def test_a_deregistered_one_is_gone(self, whole) -> None:
        registered(whole, "gone-1")
        assert send(whole, "DeregisterInstance", InstanceId="gone-1").json()["Result"] == "success"
        assert code_of(send(whole, "DeregisterInstance", InstanceId="gone-1"), 404) == "InstanceNotFound"
        assert "gone-1" not in send(whole, "ListInstances").text
