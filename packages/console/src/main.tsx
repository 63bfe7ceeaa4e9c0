import '@mantine/core/styles.css'
import '@mantine/notifications/styles.css'
import './style.css'
import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { setNonce } from 'get-nonce'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { isUnreachable } from './api/api.ts'
import { returnFocus } from './app/return-focus.ts'
import { fetchPages, router } from './app/router.tsx'
import { theme, variables } from './theme.ts'

const nonce = document.querySelector<HTMLMetaElement>('meta[name="style-nonce"]')?.content ?? ''
setNonce(nonce)

const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // What the server has decided it would decide again; only what did not reach it is worth another try.
      retry: (failures, error) => isUnreachable(error) && failures < 2,
      // A server that was stopped is back some time: the page with it, without anybody pressing anything.
      refetchInterval: ({ state }) => (isUnreachable(state.error) ? 5_000 : false),
      networkMode: 'always',
    },
  },
})
const colorSchemes = localStorageColorSchemeManager({ key: 'keyturn-color-scheme' })

returnFocus()
// After what the first page asks for.
setTimeout(() => void fetchPages(), 1_000)

const place = document.querySelector('#console')
if (!place) throw new Error('the page has no place for the console')
createRoot(place).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={variables}
      defaultColorScheme="auto"
      colorSchemeManager={colorSchemes}
      getStyleNonce={() => nonce}
    >
      <QueryClientProvider client={queryClient}>
        <Notifications position="bottom-right" />
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
)
