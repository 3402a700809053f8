"""What takes the place of Metaflow's own Azure support: every entry replaces the one of the same name."""

DATASTORES_DESC = [("azure", ".datastore.AzureStorage")]
AZURE_CLIENT_PROVIDERS_DESC = [("azure-default", ".credential.AzureDefaultClientProvider")]
SECRETS_PROVIDERS_DESC = [("az-key-vault", ".secrets_provider.KeyVaultSecretsProvider")]
STEP_DECORATORS_DESC = [("secrets", ".secrets_decorator.KeyVaultSecretsDecorator")]
