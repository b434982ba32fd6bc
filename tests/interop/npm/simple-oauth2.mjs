// simple-oauth2: no discovery and no verification of its own; it wants a host and paths.
import { createRemoteJWKSet, jwtVerify } from 'jose'
import simple from 'simple-oauth2'
import { answer, becomes, thrown } from './stdio.mjs'

const OPTIONS = {
  'header, percent-encoded': { authorizationMethod: 'header', credentialsEncodingMode: 'strict' },
  'header, raw': { authorizationMethod: 'header', credentialsEncodingMode: 'loose' },
  body: { authorizationMethod: 'body' },
}

async function discover({ issuer }) {
  const response = await fetch(`${issuer}/.well-known/oauth-authorization-server`)
  return response.json()
}

function clientFor(metadata, { client_id, client_secret }, options) {
  const { origin, pathname } = new URL(metadata.token_endpoint)
  return new simple.ClientCredentials({
    client: { id: client_id, secret: client_secret },
    auth: {
      tokenHost: origin,
      tokenPath: pathname,
      revokePath: new URL(metadata.revocation_endpoint).pathname,
    },
    options,
  })
}

async function introspect(metadata, { client_id, client_secret }, token) {
  const response = await fetch(metadata.introspection_endpoint, {
    method: 'POST',
    body: new URLSearchParams({ token, client_id, client_secret }),
  })
  return response.json()
}

await answer({
  async tokens(asked) {
    const metadata = await discover(asked)
    const keys = createRemoteJWKSet(new URL(metadata.jwks_uri))
    const { issuer, audience, typ, alg } = asked
    const tokens = []
    for (const [method, options] of Object.entries(OPTIONS)) {
      const got = await clientFor(metadata, asked, options).getToken(asked.parameters)
      const checks = { issuer, audience, typ, algorithms: [alg] }
      const { payload: claims } = await jwtVerify(got.token.access_token, keys, checks)
      tokens.push({ method, token: got.token, claims, expired: got.expired() })
    }
    return { tokens }
  },

  async revocation(asked) {
    const metadata = await discover(asked)
    const got = await clientFor(metadata, asked, {}).getToken(asked.parameters)
    const isActive = async () =>
      (await introspect(metadata, asked, got.token.access_token)).active
    const before = await isActive()
    const failure = await thrown(got.revoke('access_token'))
    return { before, failure, ended: await becomes(false, isActive) }
  },

  async refusals(asked) {
    const metadata = await discover(asked)
    const refused = []
    for (const options of Object.values(OPTIONS)) {
      const { output, data } = await clientFor(metadata, asked, options)
        .getToken(asked.parameters)
        .catch((error) => error)
      refused.push({ status: output?.statusCode, body: data?.payload })
    }
    return { refused }
  },
})
