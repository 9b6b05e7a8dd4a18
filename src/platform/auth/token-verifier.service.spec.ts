import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Logger } from '@nestjs/common';
import { readSettings } from '../../config/read-settings';
import { TokenVerifier } from './token-verifier.service';

const issuer = 'https://issuer.example/';
const audience = 'holdfast';
const mapping = {
  JWT_ISSUER: issuer,
  JWT_AUDIENCE: audience,
  JWT_TENANT_CLAIM: 'org',
  JWT_GRANTS_CLAIM: 'scope',
};
const rightful = { sub: 'anna', role: 'operator', org: 'acme', scope: 'payloads:read openid' };

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;

describe('a token of an issuer', () => {
  let ours: Keys;
  let theirs: Keys;
  let jwks: string;
  let verifier: TokenVerifier;

  beforeAll(async () => {
    ours = await generateKeyPair('ES256', { extractable: true });
    theirs = await generateKeyPair('ES256');
    jwks = JSON.stringify({ keys: [{ ...(await exportJWK(ours.publicKey)), kid: 'one', alg: 'ES256' }] });
    verifier = new TokenVerifier(readSettings({ ...mapping, JWT_JWKS: jwks }));
  });

  const sign = (claims: JWTPayload, key: Keys['privateKey'] = ours.privateKey, end = '5m') =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .setIssuer(typeof claims.iss === 'string' ? claims.iss : issuer)
      .setAudience(claims.aud ?? audience)
      .setExpirationTime(end)
      .sign(key);

  it('stands for its subject, with the role, tenant and grants of its claims', async () => {
    expect(await verifier.verify(await sign(rightful))).toEqual({
      id: 'jwt:anna',
      name: 'anna',
      role: 'operator',
      tenant: 'acme',
      grants: ['payloads:read'],
    });
  });

  it('bears clocks that differ by less than the leeway', async () => {
    expect(await verifier.verify(await sign(rightful, ours.privateKey, '-10s'))).toBeDefined();
    expect(await verifier.verify(await sign(rightful, ours.privateKey, '-40s'))).toBeUndefined();
  });

  it.each([
    ['of another issuer', { ...rightful, iss: 'https://evil.example/' }],
    ['for somebody else', { ...rightful, aud: 'another' }],
    ['of no role of ours', { ...rightful, role: 'root' }],
    ['of several roles', { ...rightful, role: ['admin'] }],
    ['without a tenant', { ...rightful, org: undefined }],
    ['of a tenant that is a path', { ...rightful, org: '../default' }],
    ['without a subject', { ...rightful, sub: undefined }],
  ])('is nothing worth when it is %s', async (_what, claims) => {
    expect(await verifier.verify(await sign(claims as JWTPayload))).toBeUndefined();
  });

  it('is nothing worth when somebody else has signed it, or nobody, or the public key', async () => {
    expect(await verifier.verify(await sign(rightful, theirs.privateKey))).toBeUndefined();
    const unsigned = new UnsecuredJWT(rightful)
      .setIssuer(issuer)
      .setAudience(audience)
      .setExpirationTime('5m')
      .encode();
    expect(await verifier.verify(unsigned)).toBeUndefined();
    const withPublicKey = await new SignJWT(rightful)
      .setProtectedHeader({ alg: 'HS256', kid: 'one' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setExpirationTime('5m')
      .sign(Buffer.from(jwks));
    expect(await verifier.verify(withPublicKey)).toBeUndefined();
  });

  it.each(['', 'a.b.c', 'x'.repeat(10_000), 'e30.e30.'])('is not found in %.20s', async (text) => {
    expect(await verifier.verify(text)).toBeUndefined();
  });

  it('is nothing worth where the settings name no issuer', async () => {
    expect(await new TokenVerifier(readSettings({})).verify(await sign(rightful))).toBeUndefined();
  });

  it('belongs to the home tenant where no claim names one', async () => {
    const single = new TokenVerifier(
      readSettings({ JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWT_JWKS: jwks }),
    );
    expect(await single.verify(await sign(rightful))).toMatchObject({ tenant: 'default', grants: [] });
  });

  describe('whose keys are at an address', () => {
    let server: Server;
    let asked = 0;
    let answer: (() => { status: number; body: string }) | undefined;
    const remote = () =>
      new TokenVerifier(
        readSettings({
          ...mapping,
          JWT_JWKS_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`,
        }),
      );

    beforeAll(async () => {
      server = createServer((_request, response) => {
        asked += 1;
        const { status, body } = answer?.() ?? { status: 200, body: jwks };
        response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(body);
      });
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    });
    afterAll(() => new Promise((done) => server.close(done)));

    it('has them fetched once', async () => {
      const one = remote();
      asked = 0;
      for (let count = 0; count < 5; count += 1) expect(await one.verify(await sign(rightful))).toBeDefined();
      expect(asked).toBe(1);
    });

    it('is a 503 and no 401 while they cannot be had', async () => {
      const logged = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
      for (const body of ['nothing', '{"no":"keys"}']) {
        answer = () => ({ status: body === 'nothing' ? 500 : 200, body });
        await expect(remote().verify(await sign(rightful))).rejects.toMatchObject({
          code: 'issuer_unavailable',
        });
      }
      answer = undefined;
      expect(logged).toHaveBeenCalled();
      logged.mockRestore();
      const nowhere = new TokenVerifier(
        readSettings({ ...mapping, JWT_JWKS_URL: 'http://127.0.0.1:1/keys' }),
      );
      jest.spyOn(Logger.prototype, 'warn').mockImplementationOnce(() => undefined);
      await expect(nowhere.verify(await sign(rightful))).rejects.toMatchObject({
        code: 'issuer_unavailable',
      });
    });
  });
});
