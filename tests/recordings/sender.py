"""Requests to the embedded service, signed by a code of its own: neither the service's nor the client's."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import parse_qsl, urlsplit

from fastblob.local import LocalAzure
from recordings.sessions import Answer

SIGNED_HEADERS = ("encoding", "language", "length", "md5", "type")
SIGNED_CONDITIONS = ("if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range")
SAS_ENCRYPTION_SCOPE = "2020-12-06"


@dataclass(frozen=True)
class Sender:
    """Sends requests to the account of one service, with the account in the host's name as in Azure."""

    azure: LocalAzure

    @property
    def account_url(self) -> str:
        """The account's URL, as it would be in Azure."""
        return f"https://{self.azure.account_name}.blob.core.windows.net"

    def send(self, method: str, target: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        """Sends a request as it is, and reads the answer."""
        address = urlsplit(self.azure.blob_endpoint)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": urlsplit(self.account_url).netloc, **headers}.items():
            connection.putheader(name, value.encode())
        connection.endheaders(body or None)
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, answer)

    def sign(self, method: str, target: str, headers: dict[str, str]) -> None:
        """Adds date and signature: https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key"""
        headers["x-ms-date"] = format_datetime(datetime.now(UTC), usegmt=True)
        low = {name.lower(): value.strip() for name, value in headers.items()}
        parts = urlsplit(target)
        lines = [method, *(low.get(f"content-{name}", "") for name in SIGNED_HEADERS)]
        lines[3] = "" if lines[3] == "0" else lines[3]
        lines += ["", *(low.get(name, "") for name in SIGNED_CONDITIONS)]
        lines += [f"{name}:{low[name]}" for name in sorted(low) if name.startswith("x-ms-")]
        lines.append(f"/{self.azure.account_name}{parts.path}")
        query = parse_qsl(parts.query, keep_blank_values=True)
        lines += [f"{name}:{value}" for name, value in sorted((key.lower(), value) for key, value in query)]
        headers["Authorization"] = f"SharedKey {self.azure.account_name}:{self._hmac(lines)}"

    def sas(self, path: str, query: dict[str, str]) -> str:
        """The signature of a SAS: https://learn.microsoft.com/rest/api/storageservices/create-service-sas"""

        def fields(*names: str) -> list[str]:
            return [query.get(name, "") for name in names]

        account = self.azure.account_name
        scope = fields("ses") if query.get("sv", "") >= SAS_ENCRYPTION_SCOPE else []
        if "ss" in query:
            lines = [account, *fields("sp", "ss", "srt", "st", "se", "sip", "spr", "sv"), *scope, ""]
        else:
            path = path if query.get("sr") != "c" else "/" + path.split("/")[1]
            lines = [*fields("sp", "st", "se"), f"/blob/{account}{path}"]
            lines += fields("si", "sip", "spr", "sv", "sr", "snapshot")
            lines += [*scope, *fields("rscc", "rscd", "rsce", "rscl", "rsct")]
        return self._hmac(lines)

    def _hmac(self, lines: list[str]) -> str:
        key = base64.b64decode(self.azure.account_key)
        return base64.b64encode(hmac.digest(key, "\n".join(lines).encode(), hashlib.sha256)).decode()
