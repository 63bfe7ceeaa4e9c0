import {
  Alert,
  type CSSVariablesResolver,
  createTheme,
  Drawer,
  type MantineColorsTuple,
  Menu,
  Modal,
  Notification,
  PasswordInput,
} from '@mantine/core'

/** The accent of the pages that the server draws itself. */
const accent: MantineColorsTuple = [
  '#eaf1ff',
  '#d3e1fb',
  '#a5c1f5',
  '#78a9ff',
  '#4c8dff',
  '#3577e8',
  '#2a6bdd',
  '#1f5fd1',
  '#184fb0',
  '#123f90',
]

/** Red that can be read as text on every surface here. */
const red: MantineColorsTuple = [
  '#fff1f0',
  '#ffdedb',
  '#ffb8b2',
  '#ff9a94',
  '#ff7b72',
  '#f85149',
  '#d93a35',
  '#c4272d',
  '#b42318',
  '#8f1a12',
]

/** Their greys, from text to the page behind all. */
const dark: MantineColorsTuple = [
  '#e6edf3',
  '#c3ccd6',
  '#9da7b3',
  '#7d8793',
  '#3d444d',
  '#30363d',
  '#21262d',
  '#161b22',
  '#0d1117',
  '#06090d',
]

export const theme = createTheme({
  primaryColor: 'accent',
  primaryShade: { light: 7, dark: 8 },
  colors: { accent, red, dark },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Noto Sans Mono", monospace',
  headings: { fontWeight: '650', sizes: { h1: { fontSize: '1.5rem' }, h2: { fontSize: '1.05rem' } } },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  // What is drawn as a sign has a name all the same.
  components: {
    // The tone is in the icon and the border: yellow on yellow cannot be read.
    Alert: Alert.extend({ styles: { label: { color: 'var(--mantine-color-text)' } } }),
    Modal: Modal.extend({ defaultProps: { closeButtonProps: { 'aria-label': 'Close the dialog' } } }),
    Drawer: Drawer.extend({ defaultProps: { closeButtonProps: { 'aria-label': 'Close the drawer' } } }),
    // A place for the focus that is no item has no business in a menu (ARIA 1.2, 5.2.5): the first item has the focus.
    Menu: Menu.extend({ defaultProps: { withInitialFocusPlaceholder: false } }),
    Notification: Notification.extend({ defaultProps: { closeButtonProps: { 'aria-label': 'Close the message' } } }),
    PasswordInput: PasswordInput.extend({ defaultProps: { visibilityToggleButtonProps: { 'aria-label': 'Show it' } } }),
  },
})

/** Soft text has a contrast of at least 4.5 on every surface here (WCAG 2.2, 1.4.3); Mantine's own has not. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#57606a',
    '--mantine-color-placeholder': '#6a737d',
    '--mantine-color-error': '#b42318',
    '--keyturn-focus': '#1f5fd1',
    '--keyturn-page': '#f4f5f7',
    '--keyturn-card': '#ffffff',
    '--keyturn-line': '#d8dee4',
    '--keyturn-good': '#1a7f37',
    '--keyturn-warn': '#9a6700',
    '--keyturn-bad': '#cf222e',
    '--keyturn-idle': '#6e7781',
    '--keyturn-bar': '#1f5fd1',
    '--keyturn-bar-soft': '#9cbcf2',
  },
  dark: {
    '--mantine-color-dimmed': '#9da7b3',
    '--mantine-color-placeholder': '#8b949e',
    '--mantine-color-error': '#ff9a94',
    '--mantine-color-anchor': '#78a9ff',
    '--keyturn-focus': '#78a9ff',
    '--keyturn-page': '#0d1117',
    '--keyturn-card': '#161b22',
    '--keyturn-line': '#30363d',
    '--keyturn-good': '#56d364',
    '--keyturn-warn': '#e3b341',
    '--keyturn-bad': '#ff7b72',
    '--keyturn-idle': '#8b949e',
    '--keyturn-bar': '#4c8dff',
    '--keyturn-bar-soft': '#2a4a80',
  },
})
