// Sends one .dta file with Node's own library, openssl and zip: node send.mjs DECSAL.dta DECSAL
// Set before: HTTPS (address), MEMBER (19 digits), CERT, KEY, ROOT (PEM files), OFFICE (CCSS or CCSSTEST).
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import https from "node:https";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

const { HTTPS, MEMBER, CERT, KEY, ROOT, OFFICE } = process.env;
const [file, code] = process.argv.slice(2);
const tls = { ca: readFileSync(ROOT), cert: readFileSync(CERT), key: readFileSync(KEY) };

function ask(path, body, kind = "application/octet-stream") {
  return new Promise((resolve, reject) => {
    const method = body ? "POST" : "GET";
    const headers = body ? { "Content-Type": kind, "Content-Length": Buffer.byteLength(body) } : {};
    const request = https.request(HTTPS + path, { ...tls, method, headers, timeout: 60000 }, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("end", () => {
        const content = Buffer.concat(chunks);
        if (answer.statusCode < 300) resolve(content);
        else reject(new Error(`${answer.statusCode} ${content}`));
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

// One file and one signature beside it (docs/containers.md); mimetype first and not compressed.
const now = new Date();
const at = now.toLocaleString("sv-SE", { timeZone: "Europe/Luxembourg" }).replace(/[-:]/g, "").replace(" ", "-");
const name = `SECU.${code}.${at}${String(now.getMilliseconds()).padStart(3, "0").slice(0, 2)}.${MEMBER}.${OFFICE}.ASICS`;
const cwd = mkdtempSync(join(tmpdir(), "send-"));
copyFileSync(file, join(cwd, `${code}.dta`));
mkdirSync(join(cwd, "META-INF"));
writeFileSync(join(cwd, "mimetype"), "application/vnd.etsi.asic-s+zip");
const sign = ["cms", "-sign", "-cades", "-binary", "-md", "sha256", "-in", `${code}.dta`, "-signer", CERT];
execFileSync("openssl", [...sign, "-inkey", KEY, "-outform", "DER", "-out", "META-INF/signature.p7s"], { cwd });
execFileSync("zip", ["-q", "-X", "-0", name, "mimetype"], { cwd });
execFileSync("zip", ["-q", "-X", "-D", name, `${code}.dta`, "META-INF/signature.p7s"], { cwd });
copyFileSync(join(cwd, name), name);

// To send it again, send these bytes again: they give the same receipt.
const receipt = await ask(`/v1/deposits?name=${name}`, readFileSync(name));
writeFileSync(name.replace(/ASICS$/, "ACKREC.XML"), receipt);
console.log(name);

// Answers are listed after a cursor, fetched, and acknowledged with their digest. Check the seal of each
// before you rely on it (README: xmlsec1, or secugate check).
for (const one of JSON.parse(await ask("/v1/outbox?after=0")).answers) {
  const content = await ask(`/v1/outbox/${one.id}`);
  writeFileSync(basename(one.name), content);
  const digest = createHash("sha256").update(content).digest("hex");
  await ask(`/v1/outbox/${one.id}/acknowledged`, JSON.stringify({ digest }), "application/json");
}
