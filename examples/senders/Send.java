// Sends one .dta file with Java 17's own library and openssl: java Send.java DECSAL.dta DECSAL
//
// Set before: HTTPS (address), MEMBER (19 digits), CERT, KEY, ROOT (PEM files), OFFICE (CCSS or CCSSTEST).
import java.io.*;
import java.net.URI;
import java.net.http.*;
import java.nio.file.*;
import java.security.*;
import java.security.cert.CertificateFactory;
import java.time.*;
import java.time.format.DateTimeFormatter;
import java.util.*;
import java.util.regex.*;
import java.util.zip.*;
import javax.net.ssl.*;

class Send {
    static HttpClient http;

    static String env(String name) { return Objects.requireNonNull(System.getenv(name), name); }

    static byte[] run(String... words) throws Exception {
        Process done = new ProcessBuilder(words).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        byte[] told = done.getInputStream().readAllBytes();
        if (done.waitFor() != 0) throw new IOException(words[0] + " failed");
        return told;
    }

    static HttpClient client() throws Exception {
        char[] word = HexFormat.of().formatHex(SecureRandom.getSeed(16)).toCharArray();
        KeyStore own = KeyStore.getInstance("PKCS12"), root = KeyStore.getInstance("PKCS12");
        byte[] keys = run("openssl", "pkcs12", "-export", "-in", env("CERT"), "-inkey", env("KEY"),
                "-passout", "pass:" + new String(word));
        own.load(new ByteArrayInputStream(keys), word);
        root.load(null, null);
        try (InputStream pem = Files.newInputStream(Path.of(env("ROOT")))) {
            root.setCertificateEntry("root", CertificateFactory.getInstance("X.509").generateCertificate(pem));
        }
        var mine = KeyManagerFactory.getInstance("PKIX");
        mine.init(own, word);
        var theirs = TrustManagerFactory.getInstance("PKIX");
        theirs.init(root);
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(mine.getKeyManagers(), theirs.getTrustManagers(), null);
        return HttpClient.newBuilder().sslContext(tls).build();
    }

    static byte[] ask(String path, byte[] body, String kind) throws Exception {
        var asked = HttpRequest.newBuilder(URI.create(env("HTTPS") + path)).timeout(Duration.ofSeconds(60));
        if (body != null) asked.header("Content-Type", kind).POST(HttpRequest.BodyPublishers.ofByteArray(body));
        var answer = http.send(asked.build(), HttpResponse.BodyHandlers.ofByteArray());
        if (answer.statusCode() >= 300) throw new IOException(new String(answer.body()));
        return answer.body();
    }

    static void put(ZipOutputStream zip, String name, byte[] content, boolean plain) throws IOException {
        ZipEntry entry = new ZipEntry(name);
        if (plain) {
            CRC32 sum = new CRC32();
            sum.update(content);
            entry.setMethod(ZipEntry.STORED);
            entry.setSize(content.length);
            entry.setCrc(sum.getValue());
        }
        zip.putNextEntry(entry);
        zip.write(content);
        zip.closeEntry();
    }

    public static void main(String[] given) throws Exception {
        http = client();
        // One file and one signature beside it (docs/containers.md); mimetype first and not compressed.
        var now = ZonedDateTime.now(ZoneId.of("Europe/Luxembourg"));
        String stamp = now.format(DateTimeFormatter.ofPattern("yyyyMMdd-HHmmssSS")), code = given[1];
        String name = "SECU." + code + "." + stamp + "." + env("MEMBER") + "." + env("OFFICE") + ".ASICS";
        var packed = new ByteArrayOutputStream();
        try (var zip = new ZipOutputStream(packed)) {
            put(zip, "mimetype", "application/vnd.etsi.asic-s+zip".getBytes(), true);
            put(zip, code + ".dta", Files.readAllBytes(Path.of(given[0])), false);
            put(zip, "META-INF/signature.p7s", run("openssl", "cms", "-sign", "-cades", "-binary", "-md", "sha256",
                    "-outform", "DER", "-in", given[0], "-signer", env("CERT"), "-inkey", env("KEY")), false);
        }
        // To send it again, send these bytes again: they give the same receipt.
        Files.write(Path.of(name), packed.toByteArray());
        byte[] receipt = ask("/v1/deposits?name=" + name, packed.toByteArray(), "application/octet-stream");
        Files.write(Path.of(name.replace(".ASICS", ".ACKREC.XML")), receipt);
        System.out.println(name);
        // Answers are listed after a cursor, fetched, and acknowledged with their digest. Check the seal of each
        // before you rely on it (README: xmlsec1, or secugate check). Read JSON with a library of your own.
        Matcher each = Pattern.compile("\"id\":\"([^\"]+)\",\"type\":\"[^\"]+\",\"name\":\"([^\"]+)\"")
                .matcher(new String(ask("/v1/outbox?after=0", null, "")));
        while (each.find()) {
            byte[] content = ask("/v1/outbox/" + each.group(1), null, "");
            Files.write(Path.of(each.group(2)).getFileName(), content);
            String digest = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
            byte[] held = ("{\"digest\":\"" + digest + "\"}").getBytes();
            ask("/v1/outbox/" + each.group(1) + "/acknowledged", held, "application/json");
        }
    }
}
