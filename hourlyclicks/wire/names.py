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

CREATED_FROM, CREATED_TO, PAGE = "regStartYmdt", "regEndYmdt", "pages"
"""The parameters of a list: the first and the last moment of creation, and the number of a page."""

HEAD, ENTRIES = "extra", "list"
"""The members of ``result`` in a list: what is said about the page, and what is on it."""

NEXT_PAGE, HAS_NEXT, TOTAL = "nextPages", "nextYn", "totalCount"
"""The members of the head that are used; of ``pages`` and ``count`` it is not known what they count."""

CREATED, TITLE = "regYmdt", "ttl"
"""The members of an entry: when it was created, and the title of a link."""

GROUP_NUMBER, GROUP_NAME, GROUP_LINKS = "idx", "nm", "linkCnt"
"""The members of a group: its number, its name, and the number of its links."""
