// The OpenID provider of the tests: npm's `oidc-provider` on the loopback address, with an institution's accounts and clients.
// Any login is an account: `EMAIL [GROUP,GROUP [TENANT [unverified]]]`. Keys are made at each start, so a restart rotates them.
// Beside it answers /graph/v1.0/me, as Microsoft's Graph does: for a token of this provider that was made for it, mail and
// userPrincipalName and no e-mail.
import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import { Provider } from 'oidc-provider';

const port = Number(process.argv[2]);
const lifetime = Number(process.argv[3] ?? 3600);
const issuer = `http://127.0.0.1:${port}`;
const graph = 'https://graph.example';
const api = 'api://impaas';

async function key(alg) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), use: 'sig', alg, kid: `${alg}-${Date.now()}` };
}

const keys = [await key('RS256'), await key('ES256')];

const loopback = ['http://localhost/', 'http://localhost'];
const public_ = { token_endpoint_auth_method: 'none', application_type: 'native', redirect_uris: loopback };
const secret = { client_secret: 'a secret of the tests', application_type: 'native', redirect_uris: loopback };
const clients = [
  { client_id: 'impaas', token_endpoint_auth_method: 'client_secret_post', ...secret },
  { client_id: 'entra', token_endpoint_auth_method: 'client_secret_post', ...secret },
  { client_id: 'manager', ...public_ },
  { client_id: 'opaque-manager', ...public_ },
  { client_id: 'stranger', ...public_ },
  { client_id: 'opaque-stranger', ...public_ },
  { client_id: 'cli', ...public_ },
  { client_id: 'other-cli', ...public_ },
];
// What the access tokens of a client are for; those of other clients are opaque and for the user-info endpoint.
const audience = { entra: graph, manager: graph, stranger: graph, cli: api, 'other-cli': 'api://other' };
const algorithm = { cli: 'ES256' };

function account(login) {
  const [email, groups = '', tenant = 'tenant-1', verified] = login.split(' ');
  return { email, groups: groups.split(',').filter(Boolean), tid: tenant, verified: verified !== 'unverified' };
}

const provider = new Provider(issuer, {
  clients,
  jwks: { keys },
  cookies: { keys: ['only for tests'] },
  pkce: { required: (_, client) => client.tokenEndpointAuthMethod === 'none' },
  scopes: ['openid', 'email', 'profile', 'User.Read'],
  claims: { openid: ['sub', 'tid'], email: ['email', 'email_verified', 'groups'], profile: ['mail', 'userPrincipalName', 'groups'] },
  conformIdTokenClaims: false,
  findAccount: (_, login) => {
    const { email, groups, tid, verified } = account(login);
    const claims = { sub: login, email, email_verified: verified, groups, tid, mail: email, userPrincipalName: email };
    return { accountId: login, claims: () => claims };
  },
  extraTokenClaims: (_, token) => {
    if (!token.accountId) return undefined;
    const { email, groups, tid, verified } = account(token.accountId);
    return { email, email_verified: verified, groups, tid, appid: token.clientId };
  },
  ttl: { AccessToken: lifetime, Session: 600, Grant: 600, Interaction: 600, IdToken: 600, AuthorizationCode: 60 },
  features: {
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: (_, client) => audience[client.clientId],
      useGrantedResource: () => true,
      getResourceServerInfo: (_, resource, client) => ({
        audience: resource,
        scope: 'openid email profile User.Read',
        accessTokenTTL: lifetime,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: algorithm[client.clientId] ?? 'RS256' } },
      }),
    },
  },
});

const ours = createLocalJWKSet({ keys: keys.map(({ d, p, q, dp, dq, qi, ...open }) => open) });

provider.use(async (ctx, next) => {
  if (ctx.path !== '/graph/v1.0/me') return next();
  try {
    const token = (ctx.get('authorization') ?? '').replace(/^bearer /i, '');
    const { payload } = await jwtVerify(token, ours, { issuer, audience: graph });
    const mail = payload.email.startsWith('guest-') ? null : payload.email;
    const name = mail ?? payload.email.replace('@', '_') + '#EXT#@uni.example';
    ctx.body = { '@odata.context': `${graph}/v1.0/$metadata#users/$entity`, mail, userPrincipalName: name, displayName: 'A Person' };
  } catch (error) {
    ctx.status = 401;
    ctx.body = { error: { code: 'InvalidAuthenticationToken', message: String(error.message) } };
  }
});

provider.listen(port, '127.0.0.1', () => console.log(issuer));
