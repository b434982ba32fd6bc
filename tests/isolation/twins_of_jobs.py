"""The twins of what the background work and its letters do, which is the login's alone."""

from collections.abc import Callable
from typing import Any

from control_plane.accounts import repository as accounts
from control_plane.jobs import repository as jobs
from control_plane.mail.actions import queue_letter
from control_plane.mail.rules import Letter
from control_plane.members import repository as members
from control_plane.people import actions as people_actions
from control_plane.people import repository as people
from tests.isolation.calls import NOW, Twin, in_control_plane

_LETTER = Letter(to="b@example.com", subject="B's", words=())

REFUSED_OF_JOBS: dict[Callable[..., Any], Twin] = {
    queue_letter: in_control_plane(lambda c, _: queue_letter(c, _LETTER)),
    jobs.queue_states: in_control_plane(lambda c, _: jobs.queue_states(c)),
    jobs.retry_jobs: in_control_plane(lambda c, _: jobs.retry_jobs(c, None)),
    jobs.requeue_stalled: in_control_plane(lambda c, _: jobs.requeue_stalled(c)),
    jobs.forget_failed: in_control_plane(lambda c, _: jobs.forget_failed(c, NOW, 1000)),
    people.has_people: in_control_plane(lambda c, _: people.has_people(c)),
    people.find_unverified: in_control_plane(lambda c, _: people.find_unverified(c, NOW, 1000)),
    people.remove_people: in_control_plane(lambda c, _: people.remove_people(c, ["p_a"])),
    people_actions.remove_unconfirmed: in_control_plane(
        lambda c, _: people_actions.remove_unconfirmed(c, NOW, 1000)
    ),
    members.accounts_of_people: in_control_plane(
        lambda c, _: members.accounts_of_people(c, ["p_a"])
    ),
    accounts.remove_empty: in_control_plane(lambda c, _: accounts.remove_empty(c, ["a_a"])),
}
