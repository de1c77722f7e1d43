"""What we rely on in kombu beyond its documentation: a change of its private parts shows here (RUN-22, RUN-23)."""

import hashlib
from collections.abc import Iterator

import pytest
from kombu import Connection, Consumer, Producer, Queue
from kombu.transport.redis import Channel
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from cogworks.adapters.celery_queue import broker_url, celery_settings
from cogworks.adapters.celery_sifting import OPTION
from cogworks.adapters.celery_transport import GuardedChannel, GuardedTransport, refresh_unacked
from cogworks.adapters.redis_start import EmbeddedRedis

QUEUE = Queue("control")


@pytest.fixture
def connection(server: EmbeddedRedis, real_client: Redis) -> Iterator[Connection]:
    """A broker connection as a worker has it."""
    with Connection(broker_url(server.url)) as ready:
        yield ready


def test_what_is_delivered_and_not_acknowledged_is_refreshed(connection: Connection, real_client: Redis) -> None:
    received = []
    with connection.channel() as channel:
        producer = Producer(channel)
        for number in (1, 2):
            producer.publish({"number": number}, exchange="", routing_key="control", declare=[QUEUE])
        with Consumer(channel, [QUEUE], callbacks=[lambda _, message: received.append(message)]):
            while len(received) < 2:
                connection.drain_events(timeout=5)
        index = channel.unacked_index_key
        real_client.zadd(index, dict.fromkeys(real_client.zrange(index, 0, -1), 1.0))
        received[0].ack()
        assert refresh_unacked(channel) == 1
        scores = real_client.zrange(index, 0, -1, withscores=True)
        assert len(scores) == 1, "what was acknowledged stays away"
        assert scores[0][1] > 1.0
        received[1].ack()
        assert refresh_unacked(channel) == 0


@pytest.mark.parametrize("name", ["unacked_restore_interval", "unacked_restore_throttle", "unacked_mutex_expire"])
def test_kombu_knows_the_options_that_we_set(name: str) -> None:
    settings = celery_settings("redis://localhost")["broker_transport_options"]
    assert isinstance(settings, dict)
    assert name in settings
    assert name in Channel.from_transport_options


def test_a_channel_without_connection_fails_as_a_lost_connection() -> None:
    channel = GuardedChannel.__new__(GuardedChannel)
    channel.connection = None
    with pytest.raises(AttributeError):
        Channel._connparams(channel)
    with pytest.raises(RedisConnectionError) as lost:
        channel._connparams()
    assert isinstance(lost.value, GuardedTransport.connection_errors), "the worker's loop reconnects on it"


URLS = [
    ("redis://host:6379/2", "redis://host:6379/2"),
    ("rediss://host", "rediss://host"),
    ("unix:///run/redis.sock", "redis+socket:///run/redis.sock?virtual_host=0"),
    ("unix:///run/redis.sock?db=3", "redis+socket:///run/redis.sock?virtual_host=3"),
]


@pytest.mark.parametrize(("url", "expected"), URLS)
def test_celery_writes_a_socket_in_its_own_way(url: str, expected: str) -> None:
    assert broker_url(url) == expected


def test_only_json_travels_and_work_is_acknowledged_late() -> None:
    settings = celery_settings("redis://localhost", visibility_s=5, soft_shutdown_s=3, task_time_limit_s=99)
    assert settings["accept_content"] == settings["result_accept_content"] == ["json"]
    assert settings["task_acks_late"]
    assert settings["task_reject_on_worker_lost"]
    assert settings["worker_soft_shutdown_timeout"] == 3
    assert settings["task_time_limit"] == 99
    options = settings["broker_transport_options"]
    assert isinstance(options, dict)
    assert (options["visibility_timeout"], options["unacked_restore_interval"]) == (5, 1.25)


def test_what_is_no_message_is_kept_from_kombu(server: EmbeddedRedis, real_client: Redis) -> None:
    aside: list[tuple[str, str, str]] = []
    options = {OPTION: lambda *told: aside.append(told)}
    received = []
    own = Connection(broker_url(server.url), transport_options=options)
    own.transport_cls = GuardedTransport
    with own, own.channel() as channel:
        real_client.lpush("control", "garbage")
        Producer(channel).publish({"number": 1}, exchange="", routing_key="control", declare=[QUEUE])
        with Consumer(channel, [QUEUE], callbacks=[lambda body, _: received.append(body)], no_ack=True):
            while not received:
                own.drain_events(timeout=5)
    assert received == [{"number": 1}]
    garbage = hashlib.sha256(b"garbage").hexdigest()
    assert aside == [(garbage, "JSONDecodeError", "what lies in the queue is no message")]
