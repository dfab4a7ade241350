<?php
// Checks that a request was sent by Callout and not changed on its way (Standard Webhooks).
//
// Give `verify` the body as the bytes that came, before anything parses them:
// verify(file_get_contents('php://input'), getallheaders(), $secrets)
declare(strict_types=1);

const TOLERANCE_S = 5 * 60;

/**
 * @param string $body the bytes that came
 * @param array<string, string> $headers names in whatever letters
 * @param string[] $secrets `whsec_…`: one, or several of which any will do
 * @param ?int $now seconds since 1970
 */
function verify(string $body, array $headers, array $secrets, ?int $now = null): bool
{
    $headers = array_change_key_case($headers);
    $id = $headers['webhook-id'] ?? '';
    $timestamp = $headers['webhook-timestamp'] ?? '';
    $signatures = explode(' ', $headers['webhook-signature'] ?? '');
    if (!preg_match('/^[0-9]{1,12}$/D', $timestamp) || abs(($now ?? time()) - (int) $timestamp) > TOLERANCE_S) {
        return false;
    }
    foreach ($secrets as $secret) {
        $signed = hash_hmac('sha256', "$id.$timestamp.$body", key_of($secret), true);
        $expected = 'v1,' . base64_encode($signed);
        foreach ($signatures as $given) {
            if (hash_equals($expected, $given)) {
                return true;
            }
        }
    }
    return false;
}

function key_of(string $secret): string
{
    $key = str_starts_with($secret, 'whsec_') ? base64_decode(substr($secret, 6), true) : false;
    // An empty key would let anybody sign.
    if ($key === false || strlen($key) < 24) {
        throw new InvalidArgumentException('a secret is whsec_ and base64');
    }
    return $key;
}

// To try it: php verify.php ID TIMESTAMP SIGNATURE SECRET… < body
if (PHP_SAPI === 'cli' && realpath($argv[0]) === __FILE__) {
    [, $id, $timestamp, $signature] = $argv;
    $headers = ['webhook-id' => $id, 'webhook-timestamp' => $timestamp, 'webhook-signature' => $signature];
    $is_valid = verify(stream_get_contents(STDIN), $headers, array_slice($argv, 4));
    echo $is_valid ? "valid\n" : "not valid\n";
    exit($is_valid ? 0 : 1);
}
