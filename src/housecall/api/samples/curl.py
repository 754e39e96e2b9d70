"""A call with curl, signed (V3) in shell by openssl and sha256sum.

Parameters go as a form, encoded so that nothing in it means anything to a shell, and by a pipe, since an argument may
not be as long as a question may.
"""

from housecall.api.samples import literals
from housecall.api.samples.call import KEY_ID_VARIABLE, KEY_SECRET_VARIABLE, STREAM_SECONDS, SampleCall
from housecall.api.signing import V3_ALGORITHM, canonical_query

_FORM = "body_hash=$(printf '%s' \"$form\" | sha256sum | cut -d ' ' -f 1)"
_FORM_OPTIONS = """\
  --data-binary @- --header 'content-type: application/x-www-form-urlencoded' \\
"""
_FILE_BODY = """\
file=${1:?name the file to send}
boundary=housecall-$(openssl rand -hex 8)
body=$(mktemp)
trap 'rm -f "$body"' EXIT
{
  printf -- '--%s\\r\\n' "$boundary"
  printf 'Content-Disposition: form-data; name="File"; filename="%s"\\r\\n\\r\\n' "$(basename "$file" | tr -d '"\\\\')"
  cat "$file"
  printf '\\r\\n--%s--\\r\\n' "$boundary"
} > "$body"
body_hash=$(sha256sum < "$body" | cut -d ' ' -f 1)"""
_FILE_OPTIONS = """\
  --data-binary @"$body" --header "content-type: multipart/form-data; boundary=$boundary" \\
"""


def write(call: SampleCall) -> str:
    told = "".join(f"#   {name} = {literals.comment(value)}\n" for name, value in call.parameters.items())
    form = canonical_query(call.texts.items())
    sent = "" if call.file_path else "printf '%s' \"$form\" |\n  "
    seconds = STREAM_SECONDS if call.streams else 60
    body, data = (_FILE_BODY, _FILE_OPTIONS) if call.file_path else (_FORM, _FORM_OPTIONS)
    path = call.file_path or "/"
    return f"""\
#!/usr/bin/env bash
# {call.action}{" with" if told else ""}
{told}# The key comes from {KEY_ID_VARIABLE} and {KEY_SECRET_VARIABLE}.
set -euo pipefail
host={literals.bash(call.target.host)}
form={literals.bash(form)}
date=$(date -u +%Y-%m-%dT%H:%M:%SZ)
nonce=$(openssl rand -hex 16)
{body}
signed_headers='host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version'
canonical_request=$(printf '%s\\n' POST {path} '' "host:$host" 'x-acs-action:{call.action}' \\
  "x-acs-content-sha256:$body_hash" "x-acs-date:$date" "x-acs-signature-nonce:$nonce" \\
  'x-acs-version:{call.version}' '' "$signed_headers" "$body_hash")
request_hash=$(printf '%s' "$canonical_request" | sha256sum | cut -d ' ' -f 1)
signature=$(printf '%s\\n%s' {V3_ALGORITHM} "$request_hash" |
  openssl dgst -sha256 -hmac "${KEY_SECRET_VARIABLE}" | sed 's/^.* //')
credential="Credential=${KEY_ID_VARIABLE},SignedHeaders=$signed_headers,Signature=$signature"
{sent}curl --silent --show-error --fail-with-body --no-buffer --max-time {seconds} --request POST \\
  "{call.target.scheme}://$host{path}" \\
{data}  --header "host: $host" \\
  --header 'x-acs-action: {call.action}' \\
  --header 'x-acs-version: {call.version}' \\
  --header "x-acs-date: $date" \\
  --header "x-acs-signature-nonce: $nonce" \\
  --header "x-acs-content-sha256: $body_hash" \\
  --header "Authorization: {V3_ALGORITHM} $credential"
"""
