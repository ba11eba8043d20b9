"""The conversation with a mail server: many messages, one verdict each, written ahead where the server allows it.

The phase decides what a failure means: before the end of the data nothing has left, after it both sides may own the
message (RFC 1047) until the server answers. With pipelining (RFC 2920) the envelope of the next message rides behind
the body of this one; the replies come in the order of what was written, so each still belongs to one message.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import attrs

from crmkit.builtin.smtp.advice import NOT_FROM_US, advice
from crmkit.builtin.smtp.letter import END, Letter, Tray
from crmkit.builtin.smtp.queue_id import queue_id
from crmkit.builtin.smtp.refused import (
    barred_by,
    is_about_us,
    is_nobody_in_the_end,
    is_nobody_there,
    is_unproven,
    outcome_of,
)
from crmkit.builtin.smtp.server import PATIENCE, EmailSettings
from crmkit.builtin.smtp.session import LostError, Reply, Session
from crmkit.builtin.smtp.socket_timeout import elapsed
from crmkit.delivery.channel import Outcome, Receipt
from crmkit.messages.message import Message

#: A session that rested longer is opened anew: what lies between may have forgotten it without a word.
_IDLE = 30.0
#: The first message may have to wait until a session is open, but not until a machine that slept wakes up.
_MOST_LATE = 900.0
_RESET = b"RSET\r\n"
_SLOW = "slow: left for later"
_DONE, _PENDING, _LATER, _REFUSED, _TOO_BIG = 2, 3, 4, 5, 552


@attrs.define(eq=False)
class Exchange:
    """What is said in one session, until nothing waits or the session is lost.

    Attributes:
        session: The session.
        tray: The messages.
        until: When none but the first message is taken up any more, by `elapsed`.
        answered: How many messages have got their verdict from the server.
    """

    session: Session
    tray: Tray
    until: float = math.inf
    answered: int = attrs.field(default=0, init=False)
    _begun: bool = attrs.field(default=False, init=False)

    def run(self) -> None:
        """Hand over what waits.

        Raises:
            LostError: If the session is lost; whatever is in doubt then has its receipt, all else still waits.
        """
        tail, owner = b"", None
        while (letter := self._next()) or tail:
            commands = self._commands(letter) if letter else {}
            # What becomes of the message before is not known yet where one writes ahead.
            unsure = tail not in (b"", _RESET) and (self.session.wary or owner is None)
            reset = self.session.pipelined and bool(letter) and (unsure or not self.session.clean)
            ahead = b"".join((_RESET if reset else b"", *commands.values())) if self.session.pipelined else b""
            self._write(tail, owner, ahead)
            self.tray.fill(2)
            if tail:
                self._end(owner)
            if reset or (letter and not self.session.clean):
                self._begin_anew(written=reset)
            tail, owner = self._envelope(letter, commands) if letter else (b"", None)

    def _next(self) -> Letter | None:
        if elapsed() - self.until > (0 if self._begun else _MOST_LATE):
            self.tray.give_up(_SLOW)
        self._begun, limit = True, self.session.limit
        while (letter := self.tray.front()) and 0 < limit < letter.size:
            self._answer(letter, Outcome.REFUSED, f"size: {letter.size} octets, the server takes {limit}")
            self.tray.take()
        return letter

    def _commands(self, letter: Letter) -> dict[str, bytes]:
        size = f" SIZE={letter.size}" if self.session.sized else ""
        envelope = f" RET=HDRS ENVID={letter.envelope}" if self.session.dsn else ""
        notify = " NOTIFY=FAILURE,DELAY" if self.session.dsn else ""
        return {
            "sender": f"MAIL FROM:<{letter.sender}>{size}{envelope}\r\n".encode("ascii"),
            "recipient": f"RCPT TO:<{letter.recipient}>{notify}\r\n".encode("ascii"),
            "data": b"DATA\r\n",
        }

    def _write(self, tail: bytes, owner: Letter | None, ahead: bytes) -> None:
        """Write the end of one message and, behind it, the envelope of the next."""
        try:
            self.session.insist_on_silence()
            self.session.write(tail + ahead)
        except LostError as lost:
            if owner:
                ended = lost.left > len(tail) - len(END)
                self._receipt(owner, Outcome.UNKNOWN if ended else Outcome.RETRY, f"body: {lost.why}")
            raise

    def _begin_anew(self, *, written: bool) -> None:
        """Have the server forget the message before: Postfix does not by itself where a policy refused it at its end.

        It takes the next sender for a nested one, and one version falls over what was written ahead. So where that was
        done, the session is left; from then on each message is followed by a reset, which costs a fortieth of its time.
        """
        if not written:
            if self.session.pipelined:
                raise LostError("refused at its end")
            self.session.write(_RESET)
        if self.session.reply().first != _DONE:
            raise LostError("not reset")
        self.session.clean = True

    def _end(self, owner: Letter | None) -> None:
        """Read the reply to the end of a message; without an owner, to what undid an envelope."""
        try:
            reply = self.session.end() if owner else self.session.reply()
            if owner and reply.first == _PENDING:
                raise LostError("not an answer")
        except LostError as lost:
            if owner:
                self._receipt(owner, Outcome.RETRY if lost.told else Outcome.UNKNOWN, f"end: {lost.why}")
            raise
        self.session.clean = not owner or reply.first == _DONE
        self.session.wary |= not self.session.clean
        if owner and reply.first == _DONE:
            self.session.carried += 1
            self._answer(owner, Outcome.SENT, str(reply.code), queue_id(reply.text))
        elif owner:
            outcome = Outcome.RETRY if is_unproven(reply) else outcome_of(reply)
            told = f"end: {reply}{advice(reply.code, reply.status) or (barred_by(reply) if is_unproven(reply) else '')}"
            permanent = outcome is Outcome.REFUSED and is_nobody_in_the_end(reply)
            self._answer(owner, outcome, told, permanent=permanent)

    def _envelope(self, letter: Letter, commands: Mapping[str, bytes]) -> tuple[bytes, Letter | None]:
        """Ask whether the server takes the message; return what has to be written next, and whose end it is."""
        verdict, phase, replies = None, "sender", list[Reply]()
        try:
            for phase, command in commands.items():
                replies.append(self._ask(command))
                self._check_worn_out(phase, replies[-1])
                verdict = verdict or self._judge(phase, replies[-1])
                if verdict and not self.session.pipelined:
                    break
        except LostError as lost:
            if verdict:
                self._close(letter, *verdict)
            elif phase != "sender":
                self.tray.take()
                self._receipt(letter, Outcome.RETRY, f"{phase}: {lost.why}")
            raise
        if verdict is None:
            self.tray.take()
            return letter.body, letter
        self._close(letter, *verdict)
        return self._undo(replies), None

    def _check_worn_out(self, phase: str, reply: Reply) -> None:
        """Leave a session that took messages and takes no more: some servers, as OpenSMTPD, want a new one by then."""
        if phase == "sender" and reply.first == _LATER and self.session.carried:
            raise LostError(str(reply), told=True)

    def _undo(self, replies: Sequence[Reply]) -> bytes:
        """Return what ends an envelope that was refused, though the server may go on to wait for the message."""
        if replies[-1].first != _PENDING:
            return _RESET
        if replies[1].first == _DONE:
            # The end alone would be an empty message to a recipient whom it did accept.
            raise LostError("went along after a refusal")
        return END

    def _ask(self, command: bytes) -> Reply:
        if not self.session.pipelined:
            self.session.write(command)
        return self.session.reply()

    def _judge(self, phase: str, reply: Reply) -> tuple[str, Outcome, Reply] | None:
        """Return what a refusal means, or None where the server goes along."""
        if reply.first == (_PENDING if phase == "data" else _DONE):
            return None
        if reply.first in (_PENDING, _DONE):
            raise LostError("not an answer")
        ours = phase == "sender" and not (self.session.sized and reply.code == _TOO_BIG)
        ours = ours or (phase == "recipient" and is_about_us(reply))
        return phase, Outcome.RETRY if ours else outcome_of(reply), reply

    def _close(self, letter: Letter, phase: str, outcome: Outcome, reply: Reply) -> None:
        self.tray.take()
        not_from_us = phase == "sender" and outcome is Outcome.RETRY and reply.first == _REFUSED
        barred = ""
        if phase == "recipient":
            barred = barred_by(reply)
        elif not_from_us:
            barred = barred_by(reply) or NOT_FROM_US
        told = f"{phase}: {reply}{advice(reply.code, reply.status) or barred}"
        permanent = outcome is Outcome.REFUSED and phase == "recipient" and is_nobody_there(reply)
        self._answer(letter, outcome, told, permanent=permanent)
        if not_from_us:
            # It is the practice that is not wanted, and every message comes from it.
            self.tray.give_up(told)

    def _answer(
        self, letter: Letter, outcome: Outcome, evidence: str, reference: str = "", *, permanent: bool = False
    ) -> None:
        self.answered += 1
        self._receipt(letter, outcome, evidence, reference, permanent=permanent)

    def _receipt(
        self, letter: Letter, outcome: Outcome, evidence: str, reference: str = "", *, permanent: bool = False
    ) -> None:
        self.tray.receipts.append(Receipt(letter.key, outcome, reference, evidence, permanent))


@attrs.define(eq=False)
class Conversation:
    """What one thread at a time says to one mail server; its session stays open for the next call.

    Attributes:
        settings: The server.
    """

    settings: EmailSettings
    _session: Session | None = attrs.field(default=None, init=False, repr=False)
    _wary: bool = attrs.field(default=False, init=False, repr=False)

    def send(self, messages: Sequence[Message]) -> list[Receipt]:
        """Hand over the messages and return one receipt for each, in any order.

        A session that is lost is opened once more for what is left. If the next is lost too before any message got
        its answer, or if the server does not let us in, the rest is left for later and nobody is asked again. So is
        what has not been taken up after half a minute: a window is meant to take half a second.
        """
        tray, broken, why, until = Tray(iter(messages), self.settings.bounces), 0, "", elapsed() + PATIENCE
        while tray.front() and broken <= 1 and elapsed() <= until:
            kept, heard = self._kept(), 0
            exchange = None
            try:
                session = self._session = kept or Session.open(self.settings)
                session.wary |= self._wary
                heard = session.heard
                exchange = Exchange(session, tray, until)
                exchange.run()
                session.rest()
            except LostError as lost:
                why = lost.why
                self._wary |= self._session is not None and self._session.wary
                self.drop()
                if exchange is None:
                    break
                # That the server closed a session which rested says nothing: no command of ours was heard.
                if not (kept and kept.heard == heard):
                    broken = 1 if exchange.answered else broken + 1
        tray.give_up(why or _SLOW)
        return tray.receipts

    def close(self) -> None:
        """End the session with a goodbye."""
        session, self._session = self._session, None
        if session is not None:
            session.quit()

    def drop(self) -> None:
        """End the session without a word."""
        session, self._session = self._session, None
        if session is not None:
            session.drop()

    def _kept(self) -> Session | None:
        if self._session is not None and self._session.rested(_IDLE):
            self.close()
        return self._session
