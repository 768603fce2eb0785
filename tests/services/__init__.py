"""The real services tests run against, each on free ports of loopback and gone with the test.

programs.py        our programs, and anybody's, as processes that are always reaped
brokers.py         mosquitto and iotcore · subscriber.py: mosquitto_sub, which never saw our code
postgres.py        a throw-away PostgreSQL · chromium.py: the kiosk's browser
virtual_port.py    a serial cable that can be pulled
corpus.py          the recordings, where they are
fixtures.py        all of these as pytest fixtures
"""
