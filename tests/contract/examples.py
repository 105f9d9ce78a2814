"""One record of each kind, as design section 4 shows them. Tests from outside use exactly these names."""

from __future__ import annotations

ACCESS = (
    b'{"event_id":"ecms-000123","source":"ecms","sequence":123,"actor":"jdoe","action":"view",'
    b'"record":{"kind":"case","id":"c0042"},"result":"success","occurred_at":"2026-01-05T14:14:03.120Z"}'
)
FULL_ACCESS = (
    b'{"event_id":"ecms-000124","source":"ecms","sequence":124,"actor":"jdoe","requested_for":"asmith","action":"export",'
    b'"record":{"kind":"criteria","id":"q-9"},"candidates":[{"kind":"person","id":"p7"},{"kind":"case","id":"c0042"}],'
    b'"recipient":"Records room, 2nd floor","agency":"PA0510099",'
    b'"purpose":{"code":"C","text":"court date"},"result":"denied",'
    b'"occurred_at":"2026-01-05T14:14:03.120Z","occurred_until":"2026-01-05T14:20:00.000Z","session":"s-1",'
    b'"device":"term4","batch_id":"b-2","object_count":3}'
)
FACT = (
    b'{"fact_id":"as-7","revision":2,"valid_from":"2026-01-05T00:00:00.000Z","valid_to":null,'
    b'"recorded_at":"2026-01-05T08:01:00.000Z","recorded_by":"s03","void":false,'
    b'"body":{"kind":"assignment","staff":"w028","record":{"kind":"case","id":"c0042"},"role":"management"}}'
)
MARK = b'{"feed":"assignments","complete_through":"2026-01-05T08:01:30.000Z","sequence":4711}'
REGISTERED_FACT = FACT[:-1] + b',"feed":"assignments","known_from":"2026-01-05T08:01:00.000Z"}'
REGISTERED_MARK = MARK[:-1] + b',"position":318}'
WAIVER = b'{"kind":"waiver","feed":"staff","through":"2026-01-04T08:01:30.000Z"}'
FINDING = (
    b'{"finding_id":"f_00112233445566778899aabbccddeeff","position":318,"transition":"raised","outcome":"unexplained",'
    b'"certainty":"provisional","severity":"medium","clause":"search-without-duty",'
    b'"reason":"No recorded duty of w017 towards case c0042.","staff":"w017","flags":[],"access":' + ACCESS + b","
    b'"message":{"topic":"access.ecms.v1","partition":2,"offset":991},"explanations":[],'
    b'"near_misses":[{"path":"own-assignment","why":"ended 9 days before",'
    b'"facts":[{"feed":"assignments","fact_id":"as-7","revision":1}]}],'
    b'"policy":{"name":"confidentiality","version":1,"hash":"9f2c"},'
    b'"marks":{"assignments":"2026-01-05T14:14:05.000Z"},"waiting_for":["assignments"]}'
)
CUT = (
    b'{"topic":"access.ecms.v1","partition":2,"first_offset":960,"next_offset":1010,"position":318,"reconciled":318,'
    b'"marks":{},"policy":"9f2c","messages":{"translated":49,"control":0,"dead_letters":1},'
    b'"accesses":{"explained":47,"pending":1,"unexplained":1},"sequences":{"ecms":[[90,138]]},"digest":"ab12",'
    b'"previous":"cd34","run":"run-1"}'
)
LETTER_ACT = (
    b'{"letter":"access.ecms.v1/2/991","at":"2026-01-05T14:20:00.000Z","by":"jroe",'
    b'"body":{"kind":"dropped","reason":"a test message of the vendor"}}'
)

# An access with room for one more field: TEXT % '"sequence":1,'
TEXT = (
    '{"event_id":"e1","source":"ecms","actor":"jdoe","action":"view","record":{"kind":"case","id":"c1"},%s'
    '"result":"success","occurred_at":"2026-01-05T14:14:03.120Z"}'
)
