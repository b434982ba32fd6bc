// npm's oidc-provider with our client and our paths. It is asked by one line of JSON on standard
// input, answers with its URL, and ends when standard input does.
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import Provider, { errors } from 'oidc-provider'

const lines = createInterface({ input: process.stdin })
const asked = JSON.parse((await lines[Symbol.asyncIterator]().next()).value)
process.stdin.on('end', () => process.exit(0))
process.stdin.resume()

const api = {
  scope: 'read write',
  accessTokenFormat: 'jwt',
  jwt: { sign: { alg: 'ES256' } },
}
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const server = createServer()
server.listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${server.address().port}`
  const provider = new Provider(url, {
    jwks: { keys: [{ ...key, alg: 'ES256', use: 'sig' }] },
    clients: [
      {
        client_id: asked.client_id,
        client_secret: asked.client_secret,
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
        id_token_signed_response_alg: 'ES256', // it has no other key
        scope: 'read write',
      },
    ],
    scopes: ['read', 'write'],
    routes: {
      token: '/oauth/token',
      introspection: '/oauth/introspect',
      revocation: '/oauth/revoke',
      jwks: '/.well-known/jwks.json',
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => asked.audience,
        getResourceServerInfo: (_, resource) => {
          if (resource !== asked.audience) throw new errors.InvalidTarget()
          return api
        },
      },
    },
  })
  server.on('request', provider.callback())
  process.stdout.write(`${url}\n`)
})
