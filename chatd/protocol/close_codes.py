"""The close codes (protocol.md "Close codes"). Ranges are normative: 40xx reconnect, 41xx new token, 42xx stop."""

PROTOCOL_ERROR = 1002
WRONG_FRAME_KIND = 1003
BAD_UTF8 = 1007
TOO_BIG = 1009
INTERNAL = 1011
RESTART = 4000
IDLE = 4001
SLOW = 4002
OVERLOADED = 4003
MOVED = 4004
RESYNC = 4005
HELLO_TIMEOUT = 4006
RATE_ABUSE = 4007
TOKEN_EXPIRED = 4100
TOKEN_INVALID = 4101
REPLACED = 4200
REVOKED = 4201
BANNED = 4202
VERSION = 4203
PROTOCOL = 4204
CONNECTION_LIMIT = 4205

CLOSE_CODES: dict[int, str] = {
    PROTOCOL_ERROR: "",
    WRONG_FRAME_KIND: "",
    BAD_UTF8: "",
    TOO_BIG: "",
    INTERNAL: "internal",
    RESTART: "restart",
    IDLE: "idle",
    SLOW: "slow",
    OVERLOADED: "overloaded",
    MOVED: "moved",
    RESYNC: "resync",
    HELLO_TIMEOUT: "hello_timeout",
    RATE_ABUSE: "rate_abuse",
    TOKEN_EXPIRED: "token_expired",
    TOKEN_INVALID: "token_invalid",
    REPLACED: "replaced",
    REVOKED: "revoked",
    BANNED: "banned",
    VERSION: "version",
    PROTOCOL: "protocol",
    CONNECTION_LIMIT: "connection_limit",
}
