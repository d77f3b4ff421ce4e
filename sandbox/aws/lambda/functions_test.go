package lambda_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	iamsdk "github.com/aws/aws-sdk-go-v2/service/iam"
	lambdasdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/require"
)

func TestAFunctionIsAsItWasMade(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t)
	in := input(t, "f", func(in *lambdasdk.CreateFunctionInput) { in.Tags = map[string]string{"a": "b"} })
	made, err := w.CreateFunction(t.Context(), in)
	require.NoError(t, err)
	sum := sha256.Sum256(in.Code.ZipFile)
	require.Equal(t, base64.StdEncoding.EncodeToString(sum[:]), *made.CodeSha256)
	require.EqualValues(t, len(in.Code.ZipFile), made.CodeSize)
	require.Equal(t, "2025-03-01T12:00:00.000+0000", *made.LastModified)
	require.Equal(t, arnOf("f"), *made.FunctionArn)
	require.Equal(t, "$LATEST", *made.Version)
	require.EqualValues(t, 128, *made.MemorySize)
	require.EqualValues(t, 3, *made.Timeout)
	require.EqualValues(t, 512, *made.EphemeralStorage.Size)
	require.Equal(t, types.StateActive, made.State)
	require.Equal(t, types.LastUpdateStatusSuccessful, made.LastUpdateStatus)
	require.Equal(t, types.TracingModePassThrough, made.TracingConfig.Mode)
	require.Equal(t, "/aws/lambda/f", *made.LoggingConfig.LogGroup)
	require.Equal(t, types.LogFormatText, made.LoggingConfig.LogFormat)
	require.Nil(t, made.Environment)

	for _, name := range []string{"f", "123456789012:function:f", arnOf("f"), arnOf("f:$LATEST")} {
		got, err := w.GetFunction(t.Context(), &lambdasdk.GetFunctionInput{FunctionName: &name})
		require.NoError(t, err, name)
		require.Equal(t, *made.RevisionId, *got.Configuration.RevisionId)
		require.Equal(t, map[string]string{"a": "b"}, got.Tags)
		require.NotNil(t, got.Code)
		require.Nil(t, got.Concurrency)
	}
	signing, err := w.GetFunctionCodeSigningConfig(t.Context(), &lambdasdk.GetFunctionCodeSigningConfigInput{FunctionName: sdk.String("f")})
	require.NoError(t, err)
	require.Empty(t, *signing.CodeSigningConfigArn)
	management, err := w.GetRuntimeManagementConfig(t.Context(), &lambdasdk.GetRuntimeManagementConfigInput{FunctionName: sdk.String("f")})
	require.NoError(t, err)
	require.Equal(t, types.UpdateRuntimeOnAuto, management.UpdateRuntimeOn)
	recursion, err := w.GetFunctionRecursionConfig(t.Context(), &lambdasdk.GetFunctionRecursionConfigInput{FunctionName: sdk.String("f")})
	require.NoError(t, err)
	require.Equal(t, types.RecursiveLoopTerminate, recursion.RecursiveLoop)

	_, err = w.CreateFunction(t.Context(), in)
	requireCode(t, err, "ResourceConflictException", "Function already exist: f")
}

func TestFunctionsThatAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := open(t, dir)
	w.role(t)
	_, err := w.iam.CreateRole(t.Context(), &iamsdk.CreateRoleInput{
		RoleName: sdk.String("of-ec2"), AssumeRolePolicyDocument: sdk.String(strings.Replace(trust, "lambda.", "ec2.", 1)),
	})
	require.NoError(t, err)
	variables := func(all map[string]string) *types.Environment { return &types.Environment{Variables: all} }
	type in = lambdasdk.CreateFunctionInput
	for name, test := range map[string]struct {
		change     func(*in)
		code, text string
	}{
		"name with a space":       {func(i *in) { i.FunctionName = sdk.String("a b") }, "ValidationException", "functionName"},
		"name too long":           {func(i *in) { i.FunctionName = sdk.String(strings.Repeat("a", 65)) }, "ValidationException", "functionName"},
		"name of a version":       {func(i *in) { i.FunctionName = sdk.String("f:1") }, "ValidationException", "functionName"},
		"role is no ARN":          {func(i *in) { i.Role = sdk.String("role") }, "ValidationException", "'role' failed to satisfy constraint"},
		"role is missing":         {func(i *in) { i.Role = sdk.String(roleARN + "x") }, "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."},
		"role trusts others":      {func(i *in) { i.Role = sdk.String("arn:aws:iam::123456789012:role/of-ec2") }, "InvalidParameterValueException", "cannot be assumed by Lambda"},
		"little memory":           {func(i *in) { i.MemorySize = sdk.Int32(127) }, "ValidationException", "memorySize"},
		"much memory":             {func(i *in) { i.MemorySize = sdk.Int32(10241) }, "ValidationException", "memorySize"},
		"no time":                 {func(i *in) { i.Timeout = sdk.Int32(0) }, "ValidationException", "timeout"},
		"much time":               {func(i *in) { i.Timeout = sdk.Int32(901) }, "ValidationException", "timeout"},
		"no handler":              {func(i *in) { i.Handler = nil }, "InvalidParameterValueException", "Runtime and Handler are mandatory"},
		"handler with a space":    {func(i *in) { i.Handler = sdk.String("a b") }, "ValidationException", "handler"},
		"no runtime":              {func(i *in) { i.Runtime = "" }, "InvalidParameterValueException", "Runtime and Handler are mandatory"},
		"other runtime":           {func(i *in) { i.Runtime = types.RuntimeNodejs22x }, "NotImplemented", "runtime nodejs22.x"},
		"other architecture":      {func(i *in) { i.Architectures = []types.Architecture{"riscv"} }, "ValidationException", "architectures"},
		"both architectures":      {func(i *in) { i.Architectures = []types.Architecture{"arm64", "x86_64"} }, "ValidationException", "architectures"},
		"long description":        {func(i *in) { i.Description = sdk.String(strings.Repeat("d", 257)) }, "ValidationException", "description"},
		"reserved variable":       {func(i *in) { i.Environment = variables(map[string]string{"AWS_REGION": "x", "_HANDLER": "y"}) }, "InvalidParameterValueException", "Reserved keys used in this request: AWS_REGION, _HANDLER"},
		"malformed variable":      {func(i *in) { i.Environment = variables(map[string]string{"A-B": "x"}) }, "ValidationException", "Map keys must satisfy"},
		"many variables":          {func(i *in) { i.Environment = variables(map[string]string{"AB": strings.Repeat("x", 4096)}) }, "InvalidParameterValueException", "exceeded the 4KB limit"},
		"tracing mode":            {func(i *in) { i.TracingConfig = &types.TracingConfig{Mode: "On"} }, "ValidationException", "tracingConfig.mode"},
		"storage":                 {func(i *in) { i.EphemeralStorage = &types.EphemeralStorage{Size: sdk.Int32(511)} }, "ValidationException", "ephemeralStorage"},
		"log format":              {func(i *in) { i.LoggingConfig = &types.LoggingConfig{LogFormat: "XML"} }, "ValidationException", "logFormat"},
		"log group":               {func(i *in) { i.LoggingConfig = &types.LoggingConfig{LogGroup: sdk.String("a b")} }, "ValidationException", "logGroup"},
		"level of a text log":     {func(i *in) { i.LoggingConfig = &types.LoggingConfig{SystemLogLevel: "DEBUG"} }, "InvalidParameterValueException", "log levels"},
		"unknown level":           {func(i *in) { i.LoggingConfig = &types.LoggingConfig{LogFormat: "JSON", SystemLogLevel: "LOUD"} }, "ValidationException", "systemLogLevel"},
		"tag of AWS":              {func(i *in) { i.Tags = map[string]string{"aws:x": "y"} }, "InvalidParameterValueException", "reserved"},
		"no code":                 {func(i *in) { i.Code = &types.FunctionCode{} }, "InvalidParameterValueException", "Please provide a source for function code"},
		"not an archive":          {func(i *in) { i.Code.ZipFile = []byte("text") }, "InvalidParameterValueException", "Could not unzip uploaded file"},
		"damaged archive":         {func(i *in) { i.Code.ZipFile = damaged(t) }, "InvalidParameterValueException", "Could not unzip uploaded file"},
		"path out of the archive": {func(i *in) { i.Code.ZipFile = archive(t, file{"../x", 0o644, nil}) }, "InvalidParameterValueException", "leads out of the archive"},
		"absolute path":           {func(i *in) { i.Code.ZipFile = archive(t, file{"/etc/x", 0o644, nil}) }, "InvalidParameterValueException", "leads out of the archive"},
		"link":                    {func(i *in) { i.Code.ZipFile = archive(t, file{"x", os.ModeSymlink | 0o777, []byte("/etc/passwd")}) }, "NotImplemented", "a link or a device"},
		"unzips to too much":      {func(i *in) { i.Code.ZipFile = bomb(t) }, "InvalidParameterValueException", "Unzipped size must be smaller than 262144000 bytes"},
		"code in S3":              {func(i *in) { i.Code = &types.FunctionCode{S3Bucket: sdk.String("b"), S3Key: sdk.String("k")} }, "NotImplemented", "S3"},
		"image":                   {func(i *in) { i.PackageType = types.PackageTypeImage }, "NotImplemented", "package type Image"},
		"layers":                  {func(i *in) { i.Layers = []string{"l"} }, "NotImplemented", "Layers"},
		"network":                 {func(i *in) { i.VpcConfig = &types.VpcConfig{SubnetIds: []string{"s"}} }, "NotImplemented", "VpcConfig"},
		"file system": {func(i *in) {
			i.FileSystemConfigs = []types.FileSystemConfig{{Arn: sdk.String("a"), LocalMountPath: sdk.String("/mnt/a")}}
		}, "NotImplemented", "FileSystemConfigs"},
		"dead letters": {func(i *in) { i.DeadLetterConfig = &types.DeadLetterConfig{TargetArn: sdk.String("a")} }, "NotImplemented", "DeadLetterConfig"},
		"snapshots":    {func(i *in) { i.SnapStart = &types.SnapStart{ApplyOn: types.SnapStartApplyOnPublishedVersions} }, "NotImplemented", "SnapStart"},
		"code signing": {func(i *in) { i.CodeSigningConfigArn = sdk.String("a") }, "NotImplemented", "CodeSigningConfigArn"},
	} {
		t.Run(name, func(t *testing.T) {
			request := input(t, "f", func(i *in) { i.Code = &types.FunctionCode{ZipFile: archive(t, file{"bootstrap", 0o755, nil})} }, test.change)
			_, err := w.CreateFunction(t.Context(), request)
			requireCode(t, err, test.code, test.text)
		})
	}
	left, err := os.ReadDir(filepath.Join(dir, "lambda"))
	require.NoError(t, err)
	require.Empty(t, left, "nothing is left of what was refused")
	all, err := w.ListFunctions(t.Context(), &lambdasdk.ListFunctionsInput{})
	require.NoError(t, err)
	require.Empty(t, all.Functions)
}

// damaged is an archive whose content does not match its checksum.
func damaged(t *testing.T) []byte {
	t.Helper()
	raw := archive(t, file{"bootstrap", 0o755, []byte(strings.Repeat("content", 100))})
	raw[50] ^= 0xff
	return raw
}

// bomb is an archive that says that it holds more than a function may.
func bomb(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for range 2 {
		_, err := w.CreateRaw(&zip.FileHeader{Name: "x", Method: zip.Deflate, UncompressedSize64: 262144000/2 + 1})
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

func TestEmptyFormsOfWhatIsNotImplementedAreTaken(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t)
	w.create(t, "f", func(in *lambdasdk.CreateFunctionInput) {
		in.VpcConfig = &types.VpcConfig{SubnetIds: []string{}, SecurityGroupIds: []string{}, Ipv6AllowedForDualStack: sdk.Bool(false)}
		in.Layers, in.FileSystemConfigs = []string{}, []types.FileSystemConfig{}
		in.DeadLetterConfig = &types.DeadLetterConfig{TargetArn: sdk.String("")}
		in.SnapStart = &types.SnapStart{ApplyOn: types.SnapStartApplyOnNone}
	})
}

func TestUpdates(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t)
	made := w.create(t, "f", func(in *lambdasdk.CreateFunctionInput) {
		in.Environment = &types.Environment{Variables: map[string]string{"AB": "c"}}
		in.Description = sdk.String("first")
	})
	w.clock.advance(time.Minute)
	updated, err := w.UpdateFunctionConfiguration(t.Context(), &lambdasdk.UpdateFunctionConfigurationInput{
		FunctionName: sdk.String("f"), Timeout: sdk.Int32(9), RevisionId: made.RevisionId,
	})
	require.NoError(t, err)
	require.EqualValues(t, 9, *updated.Timeout)
	require.Equal(t, "first", *updated.Description, "what is not given stays")
	require.Equal(t, map[string]string{"AB": "c"}, updated.Environment.Variables)
	require.NotEqual(t, *made.RevisionId, *updated.RevisionId)
	require.Equal(t, "2025-03-01T12:01:00.000+0000", *updated.LastModified)

	_, err = w.UpdateFunctionConfiguration(t.Context(), &lambdasdk.UpdateFunctionConfigurationInput{FunctionName: sdk.String("f"), RevisionId: made.RevisionId})
	requireCode(t, err, "PreconditionFailedException", "The Revision Id provided does not match")
	_, err = w.UpdateFunctionConfiguration(t.Context(), &lambdasdk.UpdateFunctionConfigurationInput{FunctionName: sdk.String("f"), MemorySize: sdk.Int32(1)})
	requireCode(t, err, "ValidationException", "memorySize")
	_, err = w.UpdateFunctionConfiguration(t.Context(), &lambdasdk.UpdateFunctionConfigurationInput{FunctionName: sdk.String("f:1")})
	requireCode(t, err, "InvalidParameterValueException", "qualifier")
	_, err = w.UpdateFunctionConfiguration(t.Context(), &lambdasdk.UpdateFunctionConfigurationInput{FunctionName: sdk.String("g")})
	requireCode(t, err, "ResourceNotFoundException", "Function not found")
	cleared, err := w.UpdateFunctionConfiguration(t.Context(), &lambdasdk.UpdateFunctionConfigurationInput{
		FunctionName: sdk.String("f"), Environment: &types.Environment{Variables: map[string]string{}},
	})
	require.NoError(t, err)
	require.Nil(t, cleared.Environment)

	code := archive(t, file{"bootstrap", 0o755, []byte("other")})
	dry, err := w.UpdateFunctionCode(t.Context(), &lambdasdk.UpdateFunctionCodeInput{FunctionName: sdk.String("f"), ZipFile: code, DryRun: true})
	require.NoError(t, err)
	require.NotEqual(t, *made.CodeSha256, *dry.CodeSha256)
	got, err := w.GetFunctionConfiguration(t.Context(), &lambdasdk.GetFunctionConfigurationInput{FunctionName: sdk.String("f")})
	require.NoError(t, err)
	require.Equal(t, *made.CodeSha256, *got.CodeSha256, "a dry run changes nothing")
	_, err = w.UpdateFunctionCode(t.Context(), &lambdasdk.UpdateFunctionCodeInput{FunctionName: sdk.String("f"), ZipFile: code, RevisionId: made.RevisionId})
	requireCode(t, err, "PreconditionFailedException", "")
	_, err = w.UpdateFunctionCode(t.Context(), &lambdasdk.UpdateFunctionCodeInput{FunctionName: sdk.String("f"), ZipFile: []byte("no")})
	requireCode(t, err, "InvalidParameterValueException", "Could not unzip")
	_, err = w.UpdateFunctionCode(t.Context(), &lambdasdk.UpdateFunctionCodeInput{FunctionName: sdk.String("g"), ZipFile: code})
	requireCode(t, err, "ResourceNotFoundException", "")
	published, err := w.UpdateFunctionCode(t.Context(), &lambdasdk.UpdateFunctionCodeInput{FunctionName: sdk.String("f"), ZipFile: code, Publish: true})
	require.NoError(t, err)
	require.Equal(t, "1", *published.Version)
	require.Equal(t, arnOf("f:1"), *published.FunctionArn)
}

func TestVersionsAndAliases(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t)
	f := sdk.String("f")
	w.create(t, "f")
	publish := func(sum string) (string, error) {
		out, err := w.PublishVersion(t.Context(), &lambdasdk.PublishVersionInput{FunctionName: f, CodeSha256: &sum, Description: sdk.String("d")})
		if err != nil {
			return "", err
		}
		return *out.Version, nil
	}
	_, err := publish("wrong")
	requireCode(t, err, "InvalidParameterValueException", "CodeSHA256 (wrong) is different from current CodeSHA256 in $LATEST")
	for range 2 { // the second time nothing has changed
		version, err := publish("")
		require.NoError(t, err)
		require.Equal(t, "1", version)
	}
	_, err = w.UpdateFunctionConfiguration(t.Context(), &lambdasdk.UpdateFunctionConfigurationInput{FunctionName: f, Timeout: sdk.Int32(9)})
	require.NoError(t, err)
	version, err := publish("")
	require.NoError(t, err)
	require.Equal(t, "2", version)

	var versions []string
	pages := lambdasdk.NewListVersionsByFunctionPaginator(w, &lambdasdk.ListVersionsByFunctionInput{FunctionName: f, MaxItems: sdk.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, v := range page.Versions {
			versions = append(versions, *v.Version)
			require.Equal(t, arnOf("f:"+*v.Version), *v.FunctionArn)
		}
	}
	require.Equal(t, []string{"$LATEST", "1", "2"}, versions)
	old, err := w.GetFunctionConfiguration(t.Context(), &lambdasdk.GetFunctionConfigurationInput{FunctionName: f, Qualifier: sdk.String("1")})
	require.NoError(t, err)
	require.EqualValues(t, 3, *old.Timeout, "a version does not change")
	require.Equal(t, "d", *old.Description)

	alias := func(name, version string) error {
		_, err := w.CreateAlias(t.Context(), &lambdasdk.CreateAliasInput{FunctionName: f, Name: &name, FunctionVersion: &version})
		return err
	}
	require.NoError(t, alias("live", "1"))
	requireCode(t, alias("live", "1"), "ResourceConflictException", "Alias already exists: "+arnOf("f:live"))
	requireCode(t, alias("7", "1"), "ValidationException", "name")
	requireCode(t, alias("other", "9"), "ResourceNotFoundException", arnOf("f:9"))
	requireCode(t, alias("other", "live"), "ValidationException", "functionVersion")
	_, err = w.CreateAlias(t.Context(), &lambdasdk.CreateAliasInput{
		FunctionName: f, Name: sdk.String("two"), FunctionVersion: sdk.String("1"),
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"2": 0.5}},
	})
	requireCode(t, err, "NotImplemented", "an alias of two versions")

	remove := func(qualifier string) error {
		_, err := w.DeleteFunction(t.Context(), &lambdasdk.DeleteFunctionInput{FunctionName: f, Qualifier: &qualifier})
		return err
	}
	requireCode(t, remove("1"), "ResourceConflictException", "live")
	requireCode(t, remove("$LATEST"), "InvalidParameterValueException", "$LATEST version cannot be deleted")
	requireCode(t, remove("live"), "InvalidParameterValueException", "aliases")
	requireCode(t, remove("9"), "ResourceNotFoundException", "")
	require.Equal(t, 1, parse[answer](t, w.do(t, "f:live", map[string]any{})).Calls)
	moved, err := w.UpdateAlias(t.Context(), &lambdasdk.UpdateAliasInput{FunctionName: f, Name: sdk.String("live"), FunctionVersion: sdk.String("2")})
	require.NoError(t, err)
	_, err = w.UpdateAlias(t.Context(), &lambdasdk.UpdateAliasInput{FunctionName: f, Name: sdk.String("live"), RevisionId: sdk.String("stale")})
	requireCode(t, err, "PreconditionFailedException", "")
	got, err := w.GetAlias(t.Context(), &lambdasdk.GetAliasInput{FunctionName: f, Name: sdk.String("live")})
	require.NoError(t, err)
	require.Equal(t, *moved.RevisionId, *got.RevisionId)
	require.Equal(t, "2", *got.FunctionVersion)
	require.NoError(t, remove("1"))
	_, err = w.Invoke(t.Context(), &lambdasdk.InvokeInput{FunctionName: f, Qualifier: sdk.String("1")})
	requireCode(t, err, "ResourceNotFoundException", "")
	version, err = publish("")
	require.NoError(t, err)
	require.Equal(t, "2", version, "nothing has changed since")

	listed, err := w.ListAliases(t.Context(), &lambdasdk.ListAliasesInput{FunctionName: f, FunctionVersion: sdk.String("2")})
	require.NoError(t, err)
	require.Len(t, listed.Aliases, 1)
	_, err = w.DeleteAlias(t.Context(), &lambdasdk.DeleteAliasInput{FunctionName: f, Name: sdk.String("live")})
	require.NoError(t, err)
	_, err = w.GetAlias(t.Context(), &lambdasdk.GetAliasInput{FunctionName: f, Name: sdk.String("live")})
	requireCode(t, err, "ResourceNotFoundException", "Cannot find alias arn")
}

func TestConcurrencyIsReservedFromTheAccount(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t)
	w.create(t, "f")
	w.create(t, "g")
	reserve := func(name string, n int32) error {
		_, err := w.PutFunctionConcurrency(t.Context(), &lambdasdk.PutFunctionConcurrencyInput{FunctionName: &name, ReservedConcurrentExecutions: &n})
		return err
	}
	const tooMuch = "decreases account's UnreservedConcurrentExecution below its minimum value of [100]"
	requireCode(t, reserve("f", -1), "ValidationException", "reservedConcurrentExecutions")
	requireCode(t, reserve("f", 901), "InvalidParameterValueException", tooMuch)
	require.NoError(t, reserve("f", 900))
	requireCode(t, reserve("g", 1), "InvalidParameterValueException", tooMuch)
	require.NoError(t, reserve("f", 899))
	require.NoError(t, reserve("g", 1))
	got, err := w.GetFunction(t.Context(), &lambdasdk.GetFunctionInput{FunctionName: sdk.String("f")})
	require.NoError(t, err)
	require.EqualValues(t, 899, *got.Concurrency.ReservedConcurrentExecutions)
	_, err = w.DeleteFunctionConcurrency(t.Context(), &lambdasdk.DeleteFunctionConcurrencyInput{FunctionName: sdk.String("f")})
	require.NoError(t, err)
	none, err := w.GetFunctionConcurrency(t.Context(), &lambdasdk.GetFunctionConcurrencyInput{FunctionName: sdk.String("f")})
	require.NoError(t, err)
	require.Nil(t, none.ReservedConcurrentExecutions)
	requireCode(t, reserve("absent", 1), "ResourceNotFoundException", "")
}

func TestTags(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t)
	w.create(t, "f")
	require.Empty(t, w.service.TaggedResources())
	arn := sdk.String(arnOf("f"))
	_, err := w.TagResource(t.Context(), &lambdasdk.TagResourceInput{Resource: arn, Tags: map[string]string{"a": "b", "c": "d"}})
	require.NoError(t, err)
	_, err = w.UntagResource(t.Context(), &lambdasdk.UntagResourceInput{Resource: arn, TagKeys: []string{"a"}})
	require.NoError(t, err)
	got, err := w.ListTags(t.Context(), &lambdasdk.ListTagsInput{Resource: arn})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"c": "d"}, got.Tags)
	found := w.service.TaggedResources()
	require.Len(t, found, 1)
	require.Equal(t, *arn, found[0].ARN)
	require.Equal(t, "lambda:function", found[0].Type)
	_, err = w.TagResource(t.Context(), &lambdasdk.TagResourceInput{Resource: arn, Tags: map[string]string{"aws:a": "b"}})
	requireCode(t, err, "InvalidParameterValueException", "reserved")
	_, err = w.ListTags(t.Context(), &lambdasdk.ListTagsInput{Resource: sdk.String(arnOf("g"))})
	requireCode(t, err, "ResourceNotFoundException", "")
	_, err = w.ListTags(t.Context(), &lambdasdk.ListTagsInput{Resource: sdk.String(arnOf("f:1"))})
	requireCode(t, err, "InvalidParameterValueException", "Invalid resource ARN")
}

func TestOtherOperationsAreNotImplemented(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	_, err := w.ListLayers(t.Context(), &lambdasdk.ListLayersInput{})
	requireCode(t, err, "NotImplemented", "Lambda operation GET /2018-10-31/layers")
	_, err = w.CreateFunctionUrlConfig(t.Context(), &lambdasdk.CreateFunctionUrlConfigInput{FunctionName: sdk.String("f"), AuthType: types.FunctionUrlAuthTypeNone})
	requireCode(t, err, "NotImplemented", "")
}

func TestFunctionsAreListedByPage(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t)
	for _, name := range []string{"c", "a", "b"} {
		w.create(t, name, func(in *lambdasdk.CreateFunctionInput) { in.Publish = name == "a" })
	}
	var names []string
	pages := lambdasdk.NewListFunctionsPaginator(w, &lambdasdk.ListFunctionsInput{MaxItems: sdk.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, f := range page.Functions {
			names = append(names, *f.FunctionName)
		}
	}
	require.Equal(t, []string{"a", "b", "c"}, names)
	every, err := w.ListFunctions(t.Context(), &lambdasdk.ListFunctionsInput{FunctionVersion: types.FunctionVersionAll})
	require.NoError(t, err)
	require.Len(t, every.Functions, 4)
	_, err = w.ListFunctions(t.Context(), &lambdasdk.ListFunctionsInput{Marker: sdk.String("?")})
	requireCode(t, err, "InvalidParameterValueException", "Marker")
	_, err = w.ListFunctions(t.Context(), &lambdasdk.ListFunctionsInput{MaxItems: sdk.Int32(0)})
	requireCode(t, err, "ValidationException", "maxItems")
}
