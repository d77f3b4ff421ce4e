// Verifies with aws-jwt-verify: reads where the tokens are from its arguments,
// and then does one round for each line on standard input. It answers with the
// nanoseconds that the round took.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { JwtVerifier } from "aws-jwt-verify";

const { issuer, audience, jwks, tokens } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const verifier = JwtVerifier.create({ issuer, audience, jwksUri: issuer + "/keys" });
verifier.cacheJwks(jwks);

for await (const _ of createInterface({ input: process.stdin })) {
  const start = process.hrtime.bigint();
  for (const token of tokens) {
    verifier.verifySync(token); // throws when it refuses
  }
  console.log(String(process.hrtime.bigint() - start));
}
