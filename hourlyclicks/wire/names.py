"""The vendor's names, as data: the parameters of requests and the members of answers."""

from __future__ import annotations

AUTHORIZATION_SCHEME = "APIKey"

LINK_ID, DOMAIN, GROUP = "linkId", "domain", "grpIdx"
"""The parameters of a target: the id of a link, its domain with the scheme, the number of a group."""

CODE, MESSAGE, RESULT = "code", "message", "result"
"""The members of every answer; code 0 is success."""

YMD, HOUR, CLICKS, UNIQUE_USERS = "ymd", "hour", "acesCnt", "pernCnt"
"""The members of one row of ``result``: its day, its hour, and the two figures."""

FIRST_YMD, LAST_YMD = "startYmd", "endYmd"
"""The parameters of a range: its first and its last day."""
