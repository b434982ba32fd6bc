// jose: discovery is left to its user, the key set and the token are its own affair.
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { answer, thrown } from './stdio.mjs'

const REQUIRED = ['iss', 'sub', 'aud', 'client_id', 'azp', 'scope', 'iat', 'exp', 'jti']

async function verify({ metadata, issuer, audience, typ, alg }, token) {
  const response = await fetch(metadata, { redirect: 'error' })
  const { jwks_uri } = await response.json()
  return jwtVerify(token, createRemoteJWKSet(new URL(jwks_uri)), {
    issuer,
    audience,
    typ,
    algorithms: [alg],
    requiredClaims: REQUIRED,
  })
}

await answer({
  async verification(asked) {
    const { payload, protectedHeader } = await verify(asked, asked.token)
    return { payload, protectedHeader }
  },

  async refusals(asked) {
    return {
      otherAudience: await thrown(verify({ ...asked, audience: 'https://else.example' }, asked.token)),
      otherType: await thrown(verify({ ...asked, typ: 'something+jwt' }, asked.token)),
      otherIssuer: await thrown(verify(asked, asked.foreign)),
    }
  },
})
