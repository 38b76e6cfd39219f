// Sends one .dta file with .NET 8's own library and openssl: dotnet run DECSAL.dta DECSAL  (not run in our tests)
//
// Set before: HTTPS (address), MEMBER (19 digits), CERT, KEY, ROOT (PEM files), OFFICE (CCSS or CCSSTEST).
using System.Diagnostics;
using System.IO.Compression;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

string Env(string name) => Environment.GetEnvironmentVariable(name) ?? throw new Exception($"{name} is not set");

var handler = new HttpClientHandler { AllowAutoRedirect = false };
handler.ClientCertificates.Add(X509Certificate2.CreateFromPemFile(Env("CERT"), Env("KEY")));
var root = new X509Certificate2(Env("ROOT"));
handler.ServerCertificateCustomValidationCallback = (_, found, chain, errors) =>
{
    if (found is null || errors.HasFlag(System.Net.Security.SslPolicyErrors.RemoteCertificateNameMismatch)) return false;
    chain!.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
    chain.ChainPolicy.CustomTrustStore.Add(root);
    chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
    return chain.Build(found);
};
var http = new HttpClient(handler) { BaseAddress = new Uri(Env("HTTPS")), Timeout = TimeSpan.FromSeconds(60) };

byte[] Ask(string path, byte[]? body = null, string kind = "application/octet-stream")
{
    var asked = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, path);
    if (body is not null)
        asked.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue(kind) } };
    var answer = http.Send(asked);
    answer.EnsureSuccessStatusCode();
    return answer.Content.ReadAsByteArrayAsync().Result;
}

// One file and one signature beside it (docs/containers.md); mimetype first and not compressed.
var (file, code) = (args[0], args[1]);
var now = TimeZoneInfo.ConvertTime(DateTime.UtcNow, TimeZoneInfo.FindSystemTimeZoneById("Europe/Luxembourg"));
var name = $"SECU.{code}.{now:yyyyMMdd-HHmmssff}.{Env("MEMBER")}.{Env("OFFICE")}.ASICS";
var signature = Path.GetTempFileName();
Process.Start("openssl", new[] { "cms", "-sign", "-cades", "-binary", "-md", "sha256", "-outform", "DER",
    "-in", file, "-signer", Env("CERT"), "-inkey", Env("KEY"), "-out", signature }).WaitForExit();
using (var zip = ZipFile.Open(name, ZipArchiveMode.Create))
{
    void Put(string entry, byte[] content, CompressionLevel level)
    {
        using var to = zip.CreateEntry(entry, level).Open();
        to.Write(content);
    }
    Put("mimetype", Encoding.ASCII.GetBytes("application/vnd.etsi.asic-s+zip"), CompressionLevel.NoCompression);
    Put($"{code}.dta", File.ReadAllBytes(file), CompressionLevel.Optimal);
    Put("META-INF/signature.p7s", File.ReadAllBytes(signature), CompressionLevel.Optimal);
}

// To send it again, send these bytes again: they give the same receipt.
File.WriteAllBytes(name.Replace(".ASICS", ".ACKREC.XML"), Ask($"/v1/deposits?name={name}", File.ReadAllBytes(name)));
Console.WriteLine(name);

// Answers are listed after a cursor, fetched, and acknowledged with their digest. Check the seal of each before
// you rely on it (README: xmlsec1, or secugate check).
foreach (var one in JsonDocument.Parse(Ask("/v1/outbox?after=0")).RootElement.GetProperty("answers").EnumerateArray())
{
    var content = Ask($"/v1/outbox/{one.GetProperty("id")}");
    File.WriteAllBytes(Path.GetFileName(one.GetProperty("name").GetString()!), content);
    var digest = Convert.ToHexString(SHA256.HashData(content)).ToLowerInvariant();
    Ask($"/v1/outbox/{one.GetProperty("id")}/acknowledged", Encoding.UTF8.GetBytes($"{{\"digest\":\"{digest}\"}}"), "application/json");
}
