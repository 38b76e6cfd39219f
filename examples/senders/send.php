<?php
// Sends one .dta file with PHP (curl) and openssl and zip: php send.php DECSAL.dta DECSAL
//
// Set before: HTTPS (address), MEMBER (19 digits), CERT, KEY, ROOT (PEM files), OFFICE (CCSS or CCSSTEST).
declare(strict_types=1);

[, $file, $code] = $argv;

function ask(string $path, ?string $body = null, string $kind = 'application/octet-stream'): string
{
    $asked = curl_init(getenv('HTTPS') . $path);
    curl_setopt_array($asked, [
        CURLOPT_CAINFO => getenv('ROOT'),
        CURLOPT_SSLCERT => getenv('CERT'),
        CURLOPT_SSLKEY => getenv('KEY'),
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_FAILONERROR => true,
        CURLOPT_TIMEOUT => 60,
    ]);
    if ($body !== null) {
        curl_setopt_array($asked, [CURLOPT_POSTFIELDS => $body, CURLOPT_HTTPHEADER => ["Content-Type: $kind"]]);
    }
    $answer = curl_exec($asked);
    return $answer === false ? throw new RuntimeException(curl_error($asked)) : $answer;
}

function run(string ...$words): void
{
    if (proc_close(proc_open($words, [], $pipes)) !== 0) {
        throw new RuntimeException("$words[0] failed");
    }
}

// One file and one signature beside it (docs/containers.md); mimetype first and not compressed.
$room = sys_get_temp_dir() . '/' . uniqid('secugate-');
mkdir("$room/META-INF", 0700, true);
copy($file, "$room/$code.dta");
file_put_contents("$room/mimetype", 'application/vnd.etsi.asic-s+zip');
run('openssl', 'cms', '-sign', '-cades', '-binary', '-md', 'sha256', '-outform', 'DER', '-in', $file,
    '-signer', getenv('CERT'), '-inkey', getenv('KEY'), '-out', "$room/META-INF/signature.p7s");
$now = new DateTimeImmutable('now', new DateTimeZone('Europe/Luxembourg'));
$stamp = substr($now->format('Ymd-Hisu'), 0, 17);
$name = "SECU.$code.$stamp." . getenv('MEMBER') . '.' . getenv('OFFICE') . '.ASICS';
$packed = getcwd() . "/$name";
chdir($room);
run('zip', '-q', '-X', '-0', $packed, 'mimetype');
run('zip', '-q', '-X', '-r', $packed, "$code.dta", 'META-INF/signature.p7s');

// To send it again, send these bytes again: they give the same receipt.
file_put_contents(substr($packed, 0, -6) . '.ACKREC.XML', ask("/v1/deposits?name=$name", file_get_contents($packed)));
echo "$name\n";

// Answers are listed after a cursor, fetched, and acknowledged with their digest. Check the seal of each before
// you rely on it (README: xmlsec1, or secugate check).
foreach (json_decode(ask('/v1/outbox?after=0'), true)['answers'] as $one) {
    $content = ask("/v1/outbox/{$one['id']}");
    file_put_contents(dirname($packed) . '/' . basename($one['name']), $content);
    $held = json_encode(['digest' => hash('sha256', $content)]);
    ask("/v1/outbox/{$one['id']}/acknowledged", $held, 'application/json');
}
