// npm's oidc-provider as `make bench` measures it: in memory, client credentials, a JWT for each
// algorithm. What it is to be stands in the environment, as one JSON object.
import { generateKeyPairSync } from 'node:crypto'
import Provider, { errors } from 'oidc-provider'

const asked = JSON.parse(process.env.BENCH_PEER)
const url = `http://127.0.0.1:${asked.port}`
const made = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: generateKeyPairSync('ed25519'),
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
}
const keys = Object.entries(made).map(([alg, { privateKey }]) => {
  return { ...privateKey.export({ format: 'jwk' }), alg, use: 'sig' }
})
const provider = new Provider(url, {
  jwks: { keys },
  clients: [
    {
      client_id: asked.client_id,
      client_secret: asked.client_secret,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      scope: 'read write',
    },
  ],
  scopes: ['read', 'write'],
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource) => {
        const alg = asked.algorithms[resource]
        if (!alg) throw new errors.InvalidTarget()
        return { scope: 'read write', accessTokenFormat: 'jwt', jwt: { sign: { alg } } }
      },
    },
  },
})
provider.listen(asked.port, '127.0.0.1')
